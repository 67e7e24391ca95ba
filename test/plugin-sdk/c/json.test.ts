import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findC } from "../../../plugins/toolchains.ts";
import { builtGuest } from "#test/support/built.ts";

const source = "test/plugin-sdk/c/json.c";
const guest = await builtGuest({
  name: "c-json",
  language: "C",
  inputs: [source, "plugin-sdk/c"],
  find: () => findC(source, "freestanding"),
});
const skip = "lacks" in guest && `C ${guest.lacks}`;

interface Exports {
  readonly memory: WebAssembly.Memory;
  quote(to: number, capacity: number, text: number): number;
  text(to: number, capacity: number, at: number, bytes: number): number;
  member(at: number, bytes: number, name: number): number;
  member_bytes(): number;
}

/** Where a test may write: pages that the guest does not use, up to the very end of its memory. */
const pageBytes = 64 * 1024;
const none = -1;

function open() {
  assert("bytes" in guest);
  const module = new WebAssembly.Module(Buffer.from(guest.bytes));
  const exports = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
  const start = exports.memory.grow(2) * pageBytes;
  const memory = Buffer.from(exports.memory.buffer);
  /** Puts a text at the end of the memory, so that reading on is a trap. */
  const atEnd = (text: string | Buffer): { at: number; bytes: number } => {
    const bytes = Buffer.from(text);
    return {
      at: memory.length - bytes.length,
      bytes: bytes.copy(memory, memory.length - bytes.length),
    };
  };
  const named = (text: string): number => {
    memory.write(`${text}\0`, start);
    return start;
  };
  return { ...exports, memory, atEnd, named, start };
}

const wanted = "wanted";
/** Any text that C can hold and UTF-8 can say. */
const anyText = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
const anyObject = fc.dictionary(
  fc.oneof(fc.constantFrom(wanted, "want", "wanted2", ""), anyText),
  fc.jsonValue(),
);

test("convergio_quote() writes JSON that reads as the text", { skip }, () => {
  const { quote, memory, named, start } = open();
  fc.assert(
    fc.property(anyText, (text) => {
      const to = start + pageBytes;
      const bytes = quote(to, pageBytes, named(text));
      assert.equal(JSON.parse(memory.toString("utf8", to, to + bytes)), text);
    }),
  );
});

test("convergio_quote() writes no further than it may, and gives the whole length", {
  skip,
}, () => {
  const { quote, memory, named } = open();
  for (let capacity = 0; capacity <= 12; capacity++) {
    const to = memory.length - capacity;
    assert.equal(quote(to, capacity, named('a"\u0001b')), 12);
    const whole = '"a\\"\\u0001b"\0';
    const fitting = capacity === 0 ? "" : `${whole.slice(0, capacity - 1)}\0`;
    assert.equal(memory.toString("latin1", to), fitting);
  }
});

test("convergio_member() finds a value of any object", { skip }, () => {
  const { member, member_bytes, memory, atEnd, named } = open();
  fc.assert(
    fc.property(anyObject, fc.constantFrom("", " ", "\t", "\n"), (object, indent) => {
      const { at, bytes } = atEnd(JSON.stringify(object, null, indent));
      const found = member(at, bytes, named(wanted));
      if (!Object.hasOwn(object, wanted)) return assert.equal(found, 0);
      const value = JSON.parse(memory.toString("utf8", found, found + member_bytes()));
      return assert.deepEqual(value, JSON.parse(JSON.stringify(object[wanted])));
    }),
    { numRuns: 500 },
  );
});

test("convergio_text() reads a string however it is escaped", { skip }, () => {
  const { text, memory, atEnd, start } = open();
  const everyWay = (value: string): string[] => [
    JSON.stringify(value),
    `"${value.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`,
  ];
  fc.assert(
    fc.property(anyText, (value) => {
      for (const json of everyWay(value)) {
        const { at, bytes } = atEnd(json);
        const length = text(start, pageBytes, at, bytes);
        assert.equal(memory.toString("utf8", start, start + length), value);
        assert.equal(memory[start + length], 0);
      }
    }),
  );
});

test("convergio_text() refuses what is no string, and mends half a pair", { skip }, () => {
  const { text, memory, atEnd, start } = open();
  for (const json of ["", '"', "1", "null", '"a', '"\\', '"\\u12"', '"\\u12g4"', '{"a":"b"}']) {
    const { at, bytes } = atEnd(json);
    assert.equal(text(start, pageBytes, at, bytes), none, json);
  }
  for (const json of ['"\\ud83e"', '"\\udd89"', '"\\ud83e\\u"', '"\\ud83ex"']) {
    const { at, bytes } = atEnd(json);
    const length = text(start, pageBytes, at, bytes);
    if (json.endsWith('\\u"')) assert.equal(length, none);
    else assert(memory.toString("utf8", start, start + length).startsWith("\ufffd"), json);
  }
});

test("no text, however broken, is read or written beyond its end", { skip }, () => {
  const { member, member_bytes, text, memory, atEnd, named, start } = open();
  const pieces = [
    '{"wanted":',
    '"wanted"',
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "\\u",
    "12",
    ":",
    ",",
    " ",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 24 }), (chosen) => {
      const { at, bytes } = atEnd(chosen.join(""));
      const found = member(at, bytes, named(wanted));
      assert(found === 0 || (found >= at && found + member_bytes() <= memory.length));
      for (const capacity of [0, 1, 5]) {
        memory[start + capacity] = 0xaa;
        text(start, capacity, at, bytes);
        assert.equal(memory[start + capacity], 0xaa);
      }
    }),
    { numRuns: 2_000 },
  );
});
