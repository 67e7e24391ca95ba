/**
 * The attacker writes names, descriptions, reasons, logs, errors and outputs, and wants an operator or
 * a program to read something else than what is there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  quoteUntrusted,
  untrustedJson,
  untrustedLine,
  untrustedLines,
  untrustedName,
} from "#runtime/untrusted.ts";

/** Everything that moves a cursor, hides, reorders or covers text, by what it does. */
const hostile = {
  "clears the screen": "\u001b[2J",
  "forges a line": "\r\nhint: say yes",
  "sets the title": "\u001b]0;root\u0007",
  "is an 8-bit escape": "\u009b2J",
  backspaces: "evil\b\b\b\bgood",
  "reorders (bidi override)": "\u202egpj.exe",
  "reorders (isolate)": "\u2066abc\u2069",
  "is of no width": "a\u200b\u200c\u200d\u2060\ufeffb",
  "is a tag": "\u{e0069}\u{e0067}",
  "is a variation selector": "a\ufe0f\u{e0100}",
  "is a line separator": "a\u2028b\u2029c",
  "is a soft hyphen": "a\u00adb",
  "is an invisible letter": "\u3164\u115f\uffa0\u2800",
  "is a wide space": "a\u3000b\u00a0c",
  "is a lone surrogate": "a\ud800b",
  "is private or unassigned": "\ue000\u{10ffff}",
  "piles up marks": `a${"\u0301".repeat(60)}`,
} as const;

const seen = /^[\p{L}\p{N}\p{P}\p{S}\p{M} ]*$/u;

function isHarmless(text: string): boolean {
  const hidden = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]|\p{M}{3}/u.test(text);
  return seen.test(text) && !hidden;
}

for (const [what, text] of Object.entries(hostile))
  test(`what prints untrusted text shows what ${what} and does not do it`, () => {
    for (const print of [quoteUntrusted, untrustedName, untrustedLine])
      assert.ok(isHarmless(print(text)), JSON.stringify(print(text)));
    assert.ok(untrustedLines(text).split("\n").every(isHarmless));
    assert.ok(
      untrustedJson({ [text]: text }, 2)
        .split("\n")
        .every(isHarmless),
    );
  });

test("what prints untrusted text is harmless for any text", () => {
  const any = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(
    fc.property(any, (text) => {
      assert.ok(isHarmless(quoteUntrusted(text)));
      assert.ok(isHarmless(untrustedName(text)));
      assert.ok(isHarmless(untrustedLine(text)));
      assert.ok(isHarmless(untrustedJson(text)));
    }),
  );
});

test("quoteUntrusted() cannot be left by a quote in the text", () => {
  assert.equal(quoteUntrusted('a" and "b\\'), '"a\\" and \\"b\\\\"');
});

test("quoteUntrusted() bounds what it shows and says that there was more", () => {
  const shown = quoteUntrusted("x".repeat(10_000_000), 10);
  assert.equal(shown, `"${"x".repeat(10)}"…`);
});

test("quoteUntrusted() never cuts a character in two", () => {
  assert.equal(quoteUntrusted("😀😀😀", 2), '"😀😀"…');
});

test("untrustedName() leaves a name of the grammar as it is", () => {
  assert.equal(untrustedName("acme/weather@1.2.0-rc.1"), "acme/weather@1.2.0-rc.1");
});

test("untrustedName() quotes what a shell or a table would read as something else", () => {
  for (const name of ["", "a b", "$(reboot)", "`id`", "a;b", "a".repeat(129)])
    assert.match(untrustedName(name), /^"/);
});

test("untrustedLines() keeps lines, and bounds their number", () => {
  assert.equal(untrustedLines("a\nb\nc\nd", 2), "a\nb\n(2 more lines)");
});

test("untrustedJson() means the same value, whatever the text", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const printed = untrustedJson(value, 2);
      assert.deepEqual(JSON.parse(printed), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("untrustedLine() leaves the letters of all scripts readable", () => {
  const text = "Grüße, Привет, 你好, नमस्ते, مرحبا, 😀";
  assert.equal(untrustedLine(text), text);
});
