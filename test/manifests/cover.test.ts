/** The attacker is an author whose update asks for a little more and hopes that it passes for the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostCovers, methodsBeyond, pathCovers, placeCovers } from "#manifests/cover.ts";

for (const [wide, narrow] of [
  ["a.example", "a.example"],
  ["*", "a.example"],
  ["*", "*.a.example"],
  ["*", "8.8.8.8"],
  ["*.a.example", "b.a.example"],
  ["*.a.example", "c.b.a.example"],
  ["*.a.example", "*.b.a.example"],
  ["*.a.example", "*.a.example"],
  ["127.0.0.1", "127.0.0.1"],
] as const)
  test(`hostCovers() finds ${narrow} in ${wide}`, () => assert.ok(hostCovers(wide, narrow)));

for (const [wide, narrow] of [
  ["a.example", "b.example"],
  ["a.example", "*.a.example"],
  ["*.a.example", "a.example"],
  ["*.a.example", "nota.example"],
  ["*.a.example", "*"],
  ["*.b.a.example", "*.a.example"],
  ["a.example", "a.example.evil.example"],
  ["*.example", "*.example.evil.test"],
  ["*", "localhost"],
  ["*", "127.0.0.1"],
  ["*", "169.254.169.254"],
  ["*", "[::1]"],
  ["*.corp", "wiki.corp"],
] as const)
  test(`hostCovers() does not find ${narrow} in ${wide}`, () =>
    assert.ok(!hostCovers(wide, narrow)));

for (const [wide, narrow, covers] of [
  ["/", "/a", true],
  ["/a", "/a", true],
  ["/a", "/a/b", true],
  ["/a/", "/a/b", true],
  ["/a", "/ab", false],
  ["/a/", "/a", false],
  ["/a/b", "/a", false],
  ["/a", "/A/b", false],
] as const)
  test(`pathCovers() ${covers ? "finds" : "does not find"} ${narrow} in ${wide}`, () =>
    assert.equal(pathCovers(wide, narrow), covers));

const place: Parameters<typeof placeCovers>[0] = {
  scheme: "https",
  host: "a.example",
  port: 443,
  path: "/",
  methods: ["GET", "POST"],
};

test("placeCovers() tells schemes and ports apart", () => {
  assert.ok(placeCovers(place, place));
  assert.ok(!placeCovers(place, { ...place, scheme: "http" }));
  assert.ok(!placeCovers(place, { ...place, port: 8443 }));
});

test("methodsBeyond() puts several places together, of those that hold all of it", () => {
  const read = { ...place, methods: ["GET"] as const };
  const write = { ...place, methods: ["POST"] as const, path: "/a" };
  assert.deepEqual(methodsBeyond(place, [read]), ["POST"]);
  assert.deepEqual(methodsBeyond(place, [read, write]), ["POST"]);
  assert.deepEqual(methodsBeyond({ ...place, path: "/a/b" }, [read, write]), []);
});
