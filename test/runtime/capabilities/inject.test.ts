import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HostError } from "#manifests/errors.ts";
import { applyInjections, type Injectable } from "#runtime/capabilities/inject.ts";
import type { Injection } from "#runtime/capabilities/injection.ts";

const value = "tok_3f9a1c77e0b24d58";

function requestWith(own: Partial<Injectable> = {}): Injectable {
  return { url: new URL("https://api.example.com/v1"), headers: [], body: null, ...own };
}

function secretAt(place: Injection["place"], of = value): Injection {
  return { name: "API_KEY", place, value: of };
}

const isRefused = (error: unknown) =>
  error instanceof HostError &&
  error.code === "INJECTION_REFUSED" &&
  !`${error.message} ${error.hint}`.includes("tok_");

test("applyInjections() puts a value into a header, in its template", () => {
  const given = secretAt({ header: "Authorization", template: "Bearer {}" });
  const { headers } = applyInjections(requestWith(), [given]);
  assert.deepEqual(headers, [["authorization", `Bearer ${value}`]]);
});

test("applyInjections() takes away what the guest set in the place of a secret", () => {
  const headers = [["AUTHORIZATION", "Bearer mine"] as const, ["Authorization", "x"] as const];
  const given = secretAt({ header: "authorization" });
  const { headers: sent } = applyInjections(requestWith({ headers }), [given]);
  assert.deepEqual(sent, [["authorization", value]]);
  const url = new URL("https://api.example.com/?a=%20b&k%65y=mine&key=mine&=&c");
  const query = applyInjections(requestWith({ url }), [secretAt({ query: "key" })]);
  assert.equal(query.url.search, `?a=%20b&=&c&key=${value}`);
});

test("applyInjections() reads no pattern in a value", () => {
  const odd = "$&$1{}$$";
  const template = secretAt({ header: "x-key", template: "<{}>" }, odd);
  assert.deepEqual(applyInjections(requestWith(), [template]).headers, [["x-key", `<${odd}>`]]);
  const { url } = applyInjections(requestWith(), [secretAt({ query: "key" }, "a&b=c#d%")]);
  assert.equal(url.searchParams.get("key"), "a&b=c#d%");
  assert.equal([...url.searchParams].length, 1);
});

test("applyInjections() refuses a value that would end the header", () => {
  for (const bad of ["a\r\nx: y", "a\nb", "a\0b", "ключ", "", " a", "a "]) {
    const place = secretAt({ header: "x-key" }, bad);
    assert.throws(() => applyInjections(requestWith(), [place]), isRefused, JSON.stringify(bad));
  }
});

test("applyInjections() sets a field at the top of an object and leaves the rest as it was", () => {
  const body = Buffer.from(' {"n": 12345678901234567890, "in": {"token": "{}"}}');
  const sent = applyInjections(requestWith({ body }), [secretAt({ field: "token" })]).body;
  assert.equal(
    Buffer.from(sent ?? []).toString(),
    `{"token":"${value}","n": 12345678901234567890, "in": {"token": "{}"}}`,
  );
  const empty = applyInjections(requestWith({ body: Buffer.from("{ }") }), [
    secretAt({ field: "__proto__" }, '"quoted"'),
  ]).body;
  assert.equal(Buffer.from(empty ?? []).toString(), '{"__proto__":"\\"quoted\\"" }');
});

test("applyInjections() refuses a field where it cannot be the only one of its name", () => {
  const bodies = [
    '{"token":1}',
    '{"\\u0074oken":1}',
    "[]",
    "1",
    "",
    "{",
    '{"a":1,"a":2}',
    "\ufeff{}",
  ];
  for (const text of bodies) {
    const request = requestWith({ body: Buffer.from(text) });
    assert.throws(() => applyInjections(request, [secretAt({ field: "token" })]), isRefused, text);
  }
  assert.throws(() => applyInjections(requestWith(), [secretAt({ field: "token" })]), isRefused);
});

test("applyInjections() changes nothing but the member it adds", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (object, text) => {
      fc.pre(!Object.hasOwn(object, "token"));
      const body = Buffer.from(JSON.stringify(object));
      fc.pre(Buffer.from(body.toString()).equals(body) && text.isWellFormed());
      // Strict JSON has no such member: a body with one is refused, like one that is none.
      fc.pre(!body.includes('"__proto__"'));
      const sent = applyInjections(requestWith({ body }), [
        secretAt({ field: "token" }, text),
      ]).body;
      const { token, ...rest } = JSON.parse(Buffer.from(sent ?? []).toString());
      assert.equal(token, text);
      assert.deepEqual(rest, JSON.parse(body.toString()));
    }),
  );
});
