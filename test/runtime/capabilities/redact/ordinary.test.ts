import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { marker } from "#runtime/capabilities/redact/redaction.ts";
import { weakness } from "#runtime/vault/strength.ts";
import { inPieces, redactorFor } from "#test/support/redacting.ts";

/** Values that an operator may well have, and that ordinary text comes near to. */
const values = [
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
  "Bearer-Token-1",
  "application/json;q=0.9",
  "0123-4567-89ab",
  "00000000-0000-4000-8000-000000000001",
  "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
  '!"$%&/()=?',
  "Content1",
];

/** Bytes that look random and are the same in every run. */
function noise(bytes: number, seed: string): Buffer {
  return createHash("shake256", { outputLength: bytes }).update(seed).digest();
}

function image(): Buffer {
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), noise(200_000, "image")]);
}

/** Answers of the kinds that servers give. */
function ordinary(): Readonly<Record<string, Buffer>> {
  const sources = globSync("{runtime,manifests,node_modules/fastify/lib}/**/*.{ts,js}").slice(
    0,
    80,
  );
  const code = sources.map((path) => readFileSync(path, "utf8")).join("\n");
  const page = `<!doctype html><html lang="en"><title>a &amp; b</title><body>${code
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")}<a href="/?q=a%20b%2Fc&x=%F0%9F%98%80">x</a></body></html>`;
  const rows = Array.from({ length: 2_000 }, (_, id) => ({
    id,
    uuid: noise(16, `row ${id}`)
      .toString("hex")
      .replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    text: `line "${id}"\n\t\\ é 😀`,
    image: noise(60, `thumb ${id}`).toString("base64"),
    link: `https://x.example/?a=${encodeURIComponent(`v ${id}/€`)}`,
    headers: { accept: "application/json;q=0.8", authorization: "Bearer none" },
  }));
  const json = JSON.stringify({ rows });
  const jwt = `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${noise(80, "jwt").toString("base64url")}`;
  return {
    source: Buffer.from(code),
    minified: Buffer.from(code.replace(/\s+/g, " ")),
    page: Buffer.from(page),
    JSON: Buffer.from(json),
    "JSON in ASCII": Buffer.from(
      json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    ),
    "JSON in JSON": Buffer.from(JSON.stringify(json)),
    form: Buffer.from(new URLSearchParams(rows.map(({ uuid, text }) => [uuid, text])).toString()),
    "token of somebody else": Buffer.from(jwt),
    image: image(),
    "data URL": Buffer.from(`data:image/png;base64,${image().toString("base64")}`),
    mail: Buffer.from(
      (
        image()
          .toString("base64")
          .match(/.{1,76}/g) ?? []
      ).join("\r\n"),
    ),
    hexadecimal: Buffer.from(image().toString("hex")),
    gzip: gzipSync(page),
    brotli: brotliCompressSync(json),
    "UTF-16": Buffer.from(page, "utf16le"),
    zeros: Buffer.alloc(100_000),
    backslashes: Buffer.alloc(100_000, "\\"),
    ampersands: Buffer.alloc(100_000, "&#0000"),
    percents: Buffer.alloc(100_000, "%25"),
  };
}

const corpus = ordinary();
for (const [name, bytes] of Object.entries(corpus)) {
  test(`createRedactor() passes ${name} as it is`, () => {
    const given = redactorFor(values);
    // Not only equal: what nothing was found in is not copied either.
    assert.equal(given.redactor.bytes(bytes), bytes);
    const cuts = Array.from({ length: Math.floor(bytes.length / 1_000) }, (_, at) => at * 1_000);
    assert(inPieces(given, bytes, cuts).equals(bytes));
    assert.deepEqual(given.hits, []);
  });
}

const secret = fc
  .string({ minLength: 8, maxLength: 60, unit: "binary" })
  .filter((value) => value.isWellFormed() && weakness(value) === undefined);
const near = (value: string) =>
  fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string(),
      fc.nat(value.length).map((end) => value.slice(0, end)),
      fc.nat(value.length).map((start) => value.slice(start)),
      fc.constantFrom("%", "\\", "&", "&#", "\\u", "=", "\r\n", "+"),
    ),
    { maxLength: 12 },
  );

test("createRedactor() gives back what has no value in it, in whatever pieces it comes", () => {
  fc.assert(
    fc.property(
      fc
        .tuple(secret, secret)
        .chain(([value, other]) =>
          fc.tuple(fc.constant(value), near(other), fc.array(fc.nat(400), { maxLength: 5 })),
        ),
      ([value, parts, cuts]) => {
        const text = Buffer.from(parts.join(""));
        const given = redactorFor([value]);
        const clean = given.redactor.bytes(text);
        const sorted = cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b);
        assert(inPieces(given, text, sorted).equals(clean));
        if (given.hits.length === 0) assert.equal(clean, text);
      },
    ),
    { numRuns: 400 },
  );
});

test("createRedactor() leaves nothing of a value that stands between texts like it", () => {
  fc.assert(
    fc.property(
      secret.chain((value) =>
        fc.tuple(
          fc.constant(value),
          near(value),
          near(value),
          fc.array(fc.nat(400), { maxLength: 5 }),
        ),
      ),
      ([value, before, after, cuts]) => {
        const text = Buffer.from(`${before.join("")}${value}${after.join("")}`);
        const given = redactorFor([value]);
        const sorted = cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b);
        const clean = inPieces(given, text, sorted);
        assert.equal(clean.includes(value), false);
        assert(clean.includes(marker));
        assert(clean.equals(given.redactor.bytes(text)));
      },
    ),
    { numRuns: 400 },
  );
});

test("createRedactor() is idle and copies nothing while there is nothing to look for", async () => {
  const { createRedactor } = await import("#runtime/capabilities/redact/redaction.ts");
  const idle = createRedactor({ matcher: () => null, onHit: assert.fail });
  const bytes = Buffer.from("anything");
  assert.equal(idle.isIdle, true);
  assert.equal(idle.bytes(bytes), bytes);
  assert.equal(idle.text("lone \ud800"), "lone \ud800");
  const stream = idle.stream();
  assert.equal(stream.push(bytes), bytes);
  assert.equal(stream.end().length, 0);
});

test("createRedactor() lets the end of an answer go on when no value can begin in it", () => {
  const { redactor } = redactorFor(["ghp_16C7e42F292c6912E7710c838347Ae178B4a"]);
  const stream = redactor.stream();
  const event = Buffer.from('data: {"n":1}\n\n');
  assert.deepEqual(Buffer.from(stream.push(event)), event);
  assert.deepEqual(Buffer.from(stream.push(Buffer.from("data: ghp_16"))).toString(), "data: ");
  assert.deepEqual(Buffer.from(stream.push(Buffer.from("8!\n\n"))).toString(), "ghp_168!\n\n");
});
