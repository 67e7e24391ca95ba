import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { weakness } from "#runtime/vault/strength.ts";

const weak = [
  ...["", "a", "1234567", "hunter2", "пар", "password", "Password", "PASSWORD", "internationally"],
  ...[
    "12345678",
    "20271231",
    "123456789012345",
    "aaaaaaaa",
    "abababababab",
    "deadbeef",
    "00000000000000000",
  ],
  ...["abcdefghij1234567890".slice(0, 8), "!!!!!!!!!!!!", "--------------------"],
];
const strong = [
  ...["hunter2x9", "Pa$$w0rd", "a1B2c3D4", "correct horse", "AKIAIOSFODNN7EXAMPLE", "пароль-42"],
  ...["4929157384620175", "sk-live-51H8", "-----BEGIN KEY-----", "🔑🗝-secret"],
];

test("weakness() names what could be ordinary text", () => {
  for (const value of weak) assert.notEqual(weakness(value), undefined, value);
});

test("weakness() lets tokens, passwords and keys pass", () => {
  for (const value of strong) assert.equal(weakness(value), undefined, value);
});

test("weakness() lets what programs draw pass, from twelve characters on", () => {
  for (let turn = 0; turn < 500; turn++) {
    const bytes = createHash("sha256").update(`draw ${turn}`).digest();
    for (const encoding of ["hex", "base64", "base64url"] as const)
      assert.equal(weakness(bytes.toString(encoding).slice(0, 16)), undefined, String(turn));
  }
});
