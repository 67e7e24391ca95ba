import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memberText } from "#runtime/edge/http/json-member.ts";

/** JSON text with white space and escapes wherever they are allowed. */
function written(value: unknown, space: string): string {
  if (Array.isArray(value))
    return `[${space}${value.map((item) => written(item, space)).join(`${space},${space}`)}${space}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}${space}:${space}${written(item, space)}`,
  );
  return `{${space}${members.join(`${space},${space}`)}${space}}`;
}

test("memberText() gives each member of any object exactly as it stands in the text", () => {
  const key = fc.oneof(fc.constantFrom("input", "tool", 'a"', "\\", "\\\\", ""), fc.string());
  const members = fc.uniqueArray(fc.tuple(key, fc.jsonValue()), { selector: ([name]) => name });
  const space = fc.constantFrom("", " ", "\n\t", "\r\n  ");
  fc.assert(
    fc.property(members, space, (pairs, blank) => {
      const object = Object.fromEntries(pairs);
      const text = `${blank}${written(object, blank)}${blank}`;
      for (const [name, value] of Object.entries(object))
        assert.equal(memberText(text, name), written(value, blank));
      assert.equal(memberText(text, "no such member"), undefined);
    }),
    { numRuns: 200 },
  );
});

test("memberText() keeps numbers and escapes as they are, and knows a key by its meaning", () => {
  const text = '{"\\u0069nput":[1.0,1e2,-0,12345678901234567890,"\\u0041\\"]}"],"x":{"input":2}}';
  assert.equal(memberText(text, "input"), '[1.0,1e2,-0,12345678901234567890,"\\u0041\\"]}"]');
  assert.equal(memberText("{}", "input"), undefined);
});

test("memberText() takes time in proportion to the text, whatever is escaped in it", () => {
  const quotes = `{"a":"${'\\"'.repeat(500_000)}","input":"${"\\\\".repeat(500_000)}"}`;
  assert.equal(memberText(quotes, "input")?.length, 1_000_002);
});
