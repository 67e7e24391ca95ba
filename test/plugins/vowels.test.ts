import assert from "node:assert/strict";
import { test } from "node:test";
import { guestOf, missing } from "./yardstick.ts";

const skip = await missing("vowels");

test("vowels counts the vowels of a text and adds them to its total", { skip }, async () => {
  await using guest = await guestOf("vowels");
  assert.equal(
    await guest.call("count_vowels", "Hello World"),
    '{"count":3,"total":3,"vowels":"aeiouAEIOU"}',
  );
  assert.equal(JSON.parse(await guest.call("count_vowels", "")).total, 3);
  assert.equal(JSON.parse(await guest.call("count_vowels", "aeiou")).total, 8);
});

test("vowels counts characters and not code units", { skip }, async () => {
  await using guest = await guestOf("vowels", { config: { vowels: "ö🦉" } });
  const answer = JSON.parse(await guest.call("count_vowels", "ö🦉e 🦊\u{1f9ff}öa"));
  assert.deepEqual(answer, { count: 3, total: 3, vowels: "ö🦉" });
});

test("vowels answers JSON whatever is configured", { skip }, async () => {
  for (const vowels of ["", '"', "\\", "\u0000\n\u001f", "\u2028é"]) {
    await using guest = await guestOf("vowels", { config: { vowels } });
    const answer = JSON.parse(await guest.call("count_vowels", `x${vowels}`));
    assert.deepEqual(answer, { count: [...vowels].length, total: [...vowels].length, vowels });
  }
});

test("vowels reads text that is no UTF-8 without a trap", { skip }, async () => {
  await using guest = await guestOf("vowels");
  for (const bytes of [[0xff], [0x61, 0xc3], [0xf0, 0x9f, 0xa6], [0xed, 0xa0, 0x80, 0x61]]) {
    JSON.parse(await guest.call("count_vowels", Uint8Array.from(bytes)));
  }
});

test("vowels counts five million characters", { skip }, async () => {
  await using guest = await guestOf("vowels");
  const answer = JSON.parse(await guest.call("count_vowels", "hello".repeat(1_000_000)));
  assert.equal(answer.count, 2_000_000);
});
