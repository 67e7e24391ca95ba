import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Driver, type Entrant } from "#runtime/sandbox/guest/driver.ts";
import { wat } from "#test/support/wat.ts";

/** A guest with one export for each way to end; `wait` suspends until it is let go. */
const module = new WebAssembly.Module(
  (await wat(`(module
    (import "host" "note" (func $note (param i32)))
    (import "host" "wait" (func $wait (param i32) (result i32)))
    (global $id (export "id") (mut i32) (i32.const 0))
    (func (export "plain") (call $note (global.get $id)))
    (func (export "answer") (result i32) (call $note (global.get $id)) (i32.const 7))
    (func (export "waits") (result i32) (call $wait (global.get $id)))
    (func (export "traps") (result i32) unreachable))`)) as Uint8Array<ArrayBuffer>,
);

interface Stage {
  readonly driver: Driver;
  /** What happened, in order. */
  readonly log: string[];
  readonly letGo: Map<number, (value: number) => void>;
  guest(id: number, name: string, around?: Partial<Entrant>): Entrant;
}

function stage(): Stage {
  const driver = new Driver();
  const log: string[] = [];
  const letGo = new Map<number, (value: number) => void>();
  const host = {
    note: (id: number) => log.push(`${id} runs`),
    wait: new WebAssembly.Suspending(
      (id: number) => new Promise<number>((resolve) => letGo.set(id, resolve)),
    ),
  };
  return {
    driver,
    log,
    letGo,
    guest(id, name, around = {}) {
      const { exports } = new WebAssembly.Instance(module, { host });
      (exports["id"] as WebAssembly.Global).value = id;
      return {
        entry: driver.entry(exports[name] as WebAssembly.ExportValue, name !== "plain"),
        turn: () => undefined,
        begin: () => true,
        returned: (result) => log.push(`${id} returned ${result}`),
        trapped: (error) => log.push(`${id} trapped: ${(error as Error).message}`),
        ...around,
      };
    },
  };
}

test("enter() calls guests in their order, with what each of them returned", async () => {
  const { driver, log, guest } = stage();
  driver.enter(guest(1, "answer"));
  driver.enter(guest(2, "plain"));
  assert.deepEqual(log, []);
  await nextTurn();
  assert.deepEqual(log, ["1 runs", "1 returned 7", "2 runs", "2 returned 0"]);
});

test("enter() goes on behind a guest that waits, and back to it when it waits no more", async () => {
  const { driver, log, letGo, guest } = stage();
  driver.enter(guest(1, "waits"));
  driver.enter(guest(2, "waits"));
  driver.enter(guest(3, "answer"));
  await nextTurn();
  assert.deepEqual(log, ["3 runs", "3 returned 7"]);
  letGo.get(2)?.(22);
  await nextTurn();
  driver.enter(guest(4, "answer"));
  letGo.get(1)?.(11);
  await nextTurn();
  assert.deepEqual(log.slice(2).sort(), [
    "1 returned 11",
    "2 returned 22",
    "4 returned 7",
    "4 runs",
  ]);
});

test("enter() ends with a trap the guest that trapped and no other", async () => {
  const { driver, log, letGo, guest } = stage();
  driver.enter(guest(1, "waits"));
  driver.enter(guest(2, "traps"));
  driver.enter(guest(3, "traps"));
  driver.enter(guest(4, "answer"));
  await nextTurn();
  letGo.get(1)?.(11);
  await nextTurn();
  assert.deepEqual(log.sort(), [
    "1 returned 11",
    "2 trapped: unreachable",
    "3 trapped: unreachable",
    "4 returned 7",
    "4 runs",
  ]);
});

test("enter() waits for the turn of one guest while others run", async () => {
  const { driver, log, guest } = stage();
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked: number[] = [];
  const turn = () => {
    asked.push(1);
    return promise;
  };
  driver.enter(guest(1, "plain", { turn }));
  driver.enter(guest(2, "plain"));
  await nextTurn();
  assert.deepEqual(log, ["2 runs", "2 returned 0"]);
  resolve();
  await nextTurn();
  assert.deepEqual(log.slice(2), ["1 runs", "1 returned 0"]);
  // Whoever has waited is not sent to the end of the line once more.
  assert.deepEqual(asked, [1]);
});

test("enter() does not call a guest whose time is over before it began", async () => {
  const { driver, log, guest } = stage();
  driver.enter(guest(1, "plain", { begin: () => false }));
  driver.enter(guest(2, "plain"));
  await nextTurn();
  assert.deepEqual(log, ["2 runs", "2 returned 0"]);
});

test("entry() takes more exports than the table has at first, and forgotten places again", async () => {
  const { driver, log, guest } = stage();
  const guests = Array.from({ length: 200 }, (_, id) => guest(id, "answer"));
  for (const each of guests) driver.enter(each);
  await nextTurn();
  assert.equal(log.length, 400);
  assert.equal(log.at(-1), "199 returned 7");
  driver.forget(guests[3]?.entry ?? -1);
  const { entry } = guest(200, "plain");
  assert.equal(entry >>> 1, 3);
});

test("the module is the one that its comment shows", async () => {
  const url = new URL("../../../../runtime/sandbox/guest/driver.ts", import.meta.url);
  const source = await readFile(url, "utf8");
  const [text = ""] = /\(module[\s\S]*?(?=\n \*\/)/.exec(source) ?? [];
  const [, code = ""] = /Uint8Array\.of\(([\s\S]*?)\n\);/.exec(source) ?? [];
  const bytes = code.replaceAll(/\/\/.*/g, "").match(/0x[0-9a-f]{2}/g) ?? [];
  const shown = await wat(text.replaceAll("\n * ", "\n"));
  assert.deepEqual(bytes.map(Number), [...shown.subarray(0, bytes.length)]);
  // Behind it the assembler wrote names only: a custom section.
  assert.equal(shown[bytes.length], 0);
});
