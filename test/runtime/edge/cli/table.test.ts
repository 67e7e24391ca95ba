import assert from "node:assert/strict";
import { test } from "node:test";
import { pairs, table } from "#runtime/edge/cli/table.ts";

test("table() gives each column the width of its widest cell", () => {
  assert.equal(table(["A", "LONG"], [["aaa", "b"]]), "A    LONG\naaa  b");
});

test("table() puts counts, sizes and ages to the right, versions and words to the left", () => {
  const rows = [
    ["5", "1.10.0", "1.5 MiB"],
    ["12", "1.2.0", "12 B"],
  ];
  assert.equal(
    table(["N", "VERSION", "SIZE"], rows),
    " N  VERSION     SIZE\n 5  1.10.0   1.5 MiB\n12  1.2.0       12 B",
  );
});

test("table() counts what a terminal draws: wide letters twice, marks and colors not at all", () => {
  const rows = [["\u001b[1mab\u001b[22m"], ["你"], ["e\u0301e"], ["🦊"]].map(([cell = ""]) => [
    cell,
    "|",
  ]);
  const lines = table(["", ""], rows).split("\n").slice(1);
  assert.deepEqual(lines, ["\u001b[1mab\u001b[22m  |", "你  |", "e\u0301e  |", "🦊  |"]);
});

test("pairs() aligns what names stand for", () => {
  assert.equal(
    pairs([
      ["a", "1"],
      ["long", "2"],
    ]),
    "a     1\nlong  2",
  );
});
