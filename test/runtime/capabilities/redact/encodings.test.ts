import assert from "node:assert/strict";
import { test } from "node:test";
import { marker } from "#runtime/capabilities/redact/redaction.ts";
import { inPieces, redactorFor } from "#test/support/redacting.ts";

/** Values of the kinds that operators have: tokens, a pair, a password, a key of many lines. */
const values: readonly string[] = [
  "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
  "sk-live-51H8aZ_b-Q",
  "a1B2c3D4",
  "AKIAIOSFODNN7/EXAMPLE+KEY=",
  "postgres://app:p@ss w0rd!%&<\"'>\\@db:5432/x?y=1#z",
  "пароль-ключ-42",
  "🔑🗝-secret-£9",
  '!"§$%&/()=?`',
  "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAq7BFUpkGp3+LQmlQ\nYx2eqzDV+xeG8kx\r\n\tq==\n-----END KEY-----",
  "aaaaaaaaaaaaaaab.aaaaaaaaaaaaaaac",
];

type Encoder = (value: string) => string | Uint8Array;

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, "0");
const perByte = (spell: (byte: number) => string) => (value: string) =>
  [...Buffer.from(value)].map(spell).join("");
const perUnit = (spell: (unit: number) => string) => (value: string) =>
  value
    .split("")
    .map((unit) => spell(unit.charCodeAt(0)))
    .join("");
const perPoint = (spell: (point: number) => string) => (value: string) =>
  [...value].map((point) => spell(point.codePointAt(0) ?? 0)).join("");
const json = (value: string) => JSON.stringify(value).slice(1, -1);
const html = (value: string, quote: string) =>
  value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", quote);
const utf16 = (value: string) => Buffer.from(value, "utf16le");

const encoders: Readonly<Record<string, Encoder>> = {
  plain: (value) => value,
  reversed: (value) => [...value].reverse().join(""),
  "hex, lower": (value) => Buffer.from(value).toString("hex"),
  "hex, upper": (value) => Buffer.from(value).toString("hex").toUpperCase(),
  "percent, as browsers do": encodeURIComponent,
  "percent, lower": (value) =>
    encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
  "percent, strict": (value) =>
    encodeURIComponent(value).replace(
      /[!'()*]/g,
      (sign) => `%${hex(sign.charCodeAt(0), 2).toUpperCase()}`,
    ),
  "percent, of forms": (value) => new URLSearchParams({ v: value }).toString().slice(2),
  "percent, of URLs": (value) => encodeURI(value),
  "percent, every byte upper": perByte((byte) => `%${hex(byte, 2).toUpperCase()}`),
  "percent, every byte lower": perByte((byte) => `%${hex(byte, 2)}`),
  "percent, twice": (value) => encodeURIComponent(encodeURIComponent(value)),
  JSON: json,
  "JSON with escaped slashes": (value) => json(value).replaceAll("/", "\\/"),
  "JSON in ASCII": (value) =>
    json(value).replace(/[^ -~]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`),
  "JSON for HTML": (value) =>
    json(value).replace(/[<>&']/g, (sign) => `\\u${hex(sign.charCodeAt(0), 4).toUpperCase()}`),
  "JSON, every unit lower": perUnit((unit) => `\\u${hex(unit, 4)}`),
  "JSON, every unit upper": perUnit((unit) => `\\u${hex(unit, 4).toUpperCase()}`),
  "JSON in JSON": (value) => json(json(value)),
  HTML: (value) => html(value, "&#39;"),
  "HTML with names": (value) => html(value, "&apos;"),
  "HTML with hexadecimal": (value) => html(value, "&#x27;"),
  "HTML, every point": perPoint((point) => `&#${point};`),
  "HTML, every point in hexadecimal": perPoint((point) => `&#x${hex(point, 1)};`),
  "HTML, every point in upper hexadecimal": perPoint(
    (point) => `&#x${hex(point, 1).toUpperCase()};`,
  ),
  "UTF-16, little end first": utf16,
  "UTF-16, big end first": (value) => utf16(value).swap16(),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5].flatMap((offset): [string, Encoder][] => {
      const padded = (value: string) => Buffer.from(`${"x:yzuv".slice(0, offset)}${value}`);
      const longer = (value: string) =>
        Buffer.from(`${"x:yzuv".slice(0, offset)}${value} and more`);
      return [
        [`base64 at ${offset}`, (value) => padded(value).toString("base64")],
        [
          `base64 at ${offset}, unpadded`,
          (value) => padded(value).toString("base64").replaceAll("=", ""),
        ],
        [`base64 at ${offset}, in the middle`, (value) => longer(value).toString("base64")],
        [`base64url at ${offset}`, (value) => padded(value).toString("base64url")],
        [`base64url at ${offset}, in the middle`, (value) => longer(value).toString("base64url")],
        [
          `base64 at ${offset}, in a URL`,
          (value) => encodeURIComponent(padded(value).toString("base64")),
        ],
        [
          `base64 at ${offset}, in JSON`,
          (value) => json(padded(value).toString("base64")).replaceAll("/", "\\/"),
        ],
        [
          `base64 at ${offset}, of mail`,
          (value) => lines(longer(value).toString("base64"), "\r\n"),
        ],
        [
          `base64 at ${offset}, of mail in JSON`,
          (value) => lines(longer(value).toString("base64"), "\\r\\n"),
        ],
      ];
    }),
  ),
};

function lines(text: string, end: string): string {
  return (text.match(/.{1,76}/g) ?? []).join(end);
}

/** What may stand around it, of the kinds that it is found in. */
const places: readonly (readonly [before: string, after: string])[] = [
  ["", ""],
  ['{"token":"', '","next":1}'],
  ["token=", "&next=1"],
  ["<b>", "</b>\n"],
  ["x".repeat(300), "y".repeat(300)],
  ["\\n", "%"],
];

function around(before: string, encoded: string | Uint8Array, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), Buffer.from(encoded as string), Buffer.from(after)]);
}

for (const [name, encode] of Object.entries(encoders)) {
  test(`needlesOf() finds values in ${name}`, () => {
    for (const value of values) {
      const given = redactorFor([value]);
      for (const [before, after] of places) {
        const text = around(before, encode(value), after);
        const clean = Buffer.from(given.redactor.bytes(text)).toString("latin1");
        const shown = `${value} in ${text.toString("latin1").slice(0, 200)}`;
        assert.equal(clean.split(marker).length, 2, `one in ${shown}, left ${clean.slice(0, 200)}`);
        assert(clean.startsWith(Buffer.from(before).toString("latin1")), shown);
        assert(clean.endsWith(Buffer.from(after).toString("latin1")), shown);
        // Nothing of it stays but what tells four bits of its ends, in base64 of more than it.
        const rest = clean.length - marker.length - before.length - after.length;
        assert(rest <= (name.startsWith("base64") ? 24 : 0), `${rest} stay of ${shown}`);
      }
      assert(given.hits.length >= places.length);
    }
  });
}

test("needlesOf() finds a value that is split at any place, and two in a row", () => {
  for (const value of values) {
    for (const encode of Object.values(encoders)) {
      const given = redactorFor([value]);
      const text = around('{"a":"', encode(value), '"}');
      const whole = Buffer.from(given.redactor.bytes(text));
      for (let cut = 0; cut <= text.length; cut += Math.max(1, Math.floor(text.length / 40)))
        assert.deepEqual(inPieces(given, text, [cut, Math.min(text.length, cut + 3)]), whole);
      const each = Array.from({ length: text.length }, (_, index) => index);
      assert.deepEqual(inPieces(given, text, each), whole, "byte by byte");
    }
    const given = redactorFor([value]);
    const twice = Buffer.from(`${value}${value}`);
    assert.equal(Buffer.from(given.redactor.bytes(twice)).toString(), marker + marker);
  }
});

test("needlesOf() finds a value spelled in several ways at once", () => {
  const given = redactorFor(["a/b+c=d&e1234567"]);
  const mixed = [
    "a%2fb\\u002Bc&#61;d&amp;e1234567",
    "a\\/b%2Bc=d\\u0026e1234567",
    "a/b&#x2b;c%3Dd&e1234567",
  ];
  for (const text of mixed) assert.equal(given.redactor.text(`[${text}]`), `[${marker}]`, text);
});

test("needlesOf() finds what a value of basic authentication says in plain", () => {
  const pair = "ada:correct-horse-9";
  const given = redactorFor([Buffer.from(pair).toString("base64")]);
  assert.equal(given.redactor.text(`you are ${pair}`), `you are ${marker}`);
});

test("needlesOf() leaves a part of a value, and a value that differs in one place", () => {
  for (const value of values) {
    const given = redactorFor([value]);
    const points = [...value];
    const changed = points.map((_, at) => points.with(at, points[at] === "q" ? "w" : "q").join(""));
    for (const text of [value.slice(0, -1), [...value].slice(1).join(""), ...changed])
      assert.equal(given.redactor.text(`<${text}>`), `<${text}>`);
    assert.deepEqual(given.hits, []);
  }
});
