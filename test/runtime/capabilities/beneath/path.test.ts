import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  hiddenName,
  isHidden,
  isLeftover,
  parseInnerPath,
} from "#runtime/capabilities/beneath/path.ts";
import { resolvePath } from "#runtime/sandbox/guest/wasi/guest-path.ts";

const step = fc.constantFrom("", ".", "..", "...", "a", "b", "ü", "..a", "a..", "%2e%2e", "\\..");
const path = fc.array(step, { maxLength: 12 }).map((steps) => steps.join("/"));

test("parseInnerPath() gives names that lead down, or says that the path leads out", () => {
  const property = fc.property(path, (text) => {
    const { names, leadsOut } = parseInnerPath(text, "notes");
    assert(names.every((name) => name !== "" && name !== "." && name !== ".."));
    // As a file system would walk it, with a folder above to fall into.
    const walked = { depth: 0, isOut: false };
    for (const each of text.split("/")) {
      if (each === "..") walked.depth -= 1;
      else if (each !== "" && each !== ".") walked.depth += 1;
      if (walked.depth < 0) walked.isOut = true;
    }
    assert.equal(leadsOut, walked.isOut);
    if (!leadsOut) assert.equal(names.length, walked.depth);
  });
  fc.assert(property, { numRuns: 2_000 });
});

test("a path means the same to WASI as to the host", () => {
  const property = fc.property(path, (text) => {
    const resolved = resolvePath({ folder: "notes", path: "" }, text);
    const inner = parseInnerPath(text, "notes");
    if (text === "") return assert.equal(resolved, 44);
    if (text.startsWith("/") || inner.leadsOut) return assert.equal(resolved, 76);
    assert(typeof resolved !== "number");
    const again = parseInnerPath(resolved.path, "notes");
    assert.deepEqual(again.names, inner.names);
    if (inner.names.length > 0) assert.equal(again.isFolder, inner.isFolder);
  });
  fc.assert(property, { numRuns: 2_000 });
});

test("names of the host's own are hidden, and only those that it gives are its to remove", () => {
  const own = hiddenName("0123456789abcdef01234567");
  assert(isHidden(own) && isLeftover(own));
  for (const name of [".convergio-", ".Convergio-x", ".conver\u200bgio-x"])
    assert.deepEqual([isHidden(name), isLeftover(name)], [true, false]);
  for (const name of [".convergio", "convergio-", "a.convergio-", ".convergi0-"])
    assert.equal(isHidden(name), false);
});
