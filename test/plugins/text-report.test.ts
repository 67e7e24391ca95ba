import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostFunction } from "./yardstick.ts";
import { guestOf, missing } from "./yardstick.ts";

const skip = await missing("text-report");

// What the host does with the plugin `vowels` behind it.
const countVowels: HostFunction = (request) => {
  const { tool, input } = request as { tool: string; input: string };
  assert.equal(tool, "count_vowels");
  return { ok: { count: input.match(/[aeiou]/gi)?.length ?? 0, total: 0, vowels: "" } };
};

async function report(input: object, tools_call: HostFunction = countVowels) {
  await using guest = await guestOf("text-report", { functions: { tools_call } });
  return JSON.parse(await guest.call("report", JSON.stringify(input)));
}

test("text-report reports on a text and asks another plugin for the vowels", { skip }, async () => {
  const text = 'Hello, world! This costs 3.14 at example.org.\nIs it "dear"?\n\nNo: it isn\'t…\n';
  assert.deepEqual(await report({ text }), {
    characters: text.length,
    words: 13,
    sentences: 4,
    paragraphs: 2,
    lines: 4,
    longestWord: "example.org",
    readingSeconds: 4,
    vowels: 17,
  });
});

test("text-report reports on nothing", { skip }, async () => {
  for (const text of ["", " \n\t\n", "…!?", "\u3000"]) {
    const { words, sentences, paragraphs, longestWord, readingSeconds } = await report({ text });
    assert.deepEqual(
      { words, sentences, longestWord, readingSeconds },
      {
        words: 0,
        sentences: 0,
        longestWord: "",
        readingSeconds: 0,
      },
    );
    assert.equal(paragraphs, text.trim() === "" ? 0 : 1);
  }
});

test("text-report counts characters of any script", { skip }, async () => {
  const found = await report({ text: "Größe 🦉 naïve\r\n吾輩は猫である。名前はまだ無い。" });
  assert.deepEqual([found.characters, found.words, found.sentences], [31, 16, 2]);
  assert.equal(found.longestWord, "Größe");
});

test("text-report takes the reader's speed", { skip }, async () => {
  const text = "word ".repeat(1000);
  assert.equal((await report({ text, wordsPerMinute: 100 })).readingSeconds, 600);
});

test("text-report asks about a long text in pieces that cut no character", { skip }, async () => {
  const requests: string[] = [];
  const text = "a🦉".repeat(200_000);
  const found = await report({ text }, (request) => {
    requests.push(JSON.stringify(request));
    return countVowels(request);
  });
  assert.equal(found.vowels, 200_000);
  assert.equal(requests.map((one) => JSON.parse(one).input).join(""), text);
  assert(requests.every((one) => Buffer.byteLength(one) < 1024 * 1024));
});

test("text-report says why it cannot count the vowels", { skip }, async () => {
  const denied = { error: { code: "CAPABILITY_DENIED", message: 'no "grant"' } };
  await assert.rejects(
    report({ text: "hello" }, () => denied),
    /Cannot count the vowels: CAPABILITY_DENIED: no "grant"/,
  );
});

test("text-report survives answers that are none", { skip }, async () => {
  for (const answer of [
    null,
    [],
    {},
    7,
    { ok: null },
    { ok: [] },
    { ok: { count: "3" } },
    { error: 1 },
  ]) {
    await assert.rejects(
      report({ text: "hello" }, () => answer),
      /Cannot count the vowels: /,
    );
  }
});
