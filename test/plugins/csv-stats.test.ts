import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeCsv } from "./csv-reference.ts";
import type { Guest } from "./yardstick.ts";
import { guestOf, missing } from "./yardstick.ts";

const skip = await missing("csv-stats");

async function columns(csv: string, config: Record<string, string> = {}) {
  await using guest = await guestOf("csv-stats", { config });
  return JSON.parse(await guest.call("columns", csv));
}

test("csv-stats describes every column of a CSV", { skip }, async () => {
  const found = await columns("city,people\nBerlin,3\nWien,2\n,4\nBerlin,-1.5e0\n");
  assert.deepEqual([found.rows, found.raggedRows, found.delimiter], [4, 0, ","]);
  assert.deepEqual(found.columns, [
    {
      ...{ name: "city", type: "text", count: 3, empty: 1, distinct: 2, distinctIsExact: true },
      ...{ numbers: 0, min: null, max: null, mean: null, stddev: null },
      ...{ longestCharacters: 6, longestText: "Berlin" },
    },
    {
      ...{ name: "people", type: "number", count: 4, empty: 0, distinct: 4, distinctIsExact: true },
      ...{ numbers: 4, min: -1.5, max: 4, mean: 1.875, stddev: 2.3935677693908453 },
      ...{ longestCharacters: 6, longestText: "-1.5e0" },
    },
  ]);
});

test("csv-stats takes quotes as RFC 4180 says", { skip }, async () => {
  const found = await columns('"a ""b""","c,d"\r\n"1\r\n2","😀,é"\r\n"","x"y\r\n');
  assert.deepEqual(
    found.columns.map((one: { name: string; longestText: string }) => [one.name, one.longestText]),
    [
      ['a "b"', "1\r\n2"],
      ["c,d", "😀,é"],
    ],
  );
  assert.deepEqual(found.columns[0].empty, 1);
  assert.deepEqual(found.columns[1].distinct, 2);
});

test("csv-stats names the line of a quote that is never closed", { skip }, async () => {
  await assert.rejects(
    columns('a,b\r\n1,2\r\n3,"4\n5,6\n'),
    /Cannot read the CSV: the quote opened in line 3 is never closed/,
  );
});

test("csv-stats answers whatever it is given", { skip }, async () => {
  assert.deepEqual(await columns(""), { rows: 0, raggedRows: 0, delimiter: ",", columns: [] });
  assert.deepEqual((await columns("\ufeffname\n")).columns[0].name, "name");
  for (const csv of ["\n\n\r\r\n", ",", "\u0000", "a,b\n1\n1,2,3\n", " \t \n", "x".repeat(5000)])
    assertSame(await columns(csv), describeCsv(csv));
  await using guest = await guestOf("csv-stats");
  const answer = await guest.call("columns", Uint8Array.from([0x61, 0x0a, 0xff, 0xf0, 0x9f, 0x2c]));
  assert.equal(JSON.parse(answer).rows, 1);
});

test("csv-stats takes no word for a number", { skip }, async () => {
  const texts = [
    "inf",
    "nan",
    "Infinity",
    "1e999",
    "-",
    "1_000",
    "0x10",
    "1 2",
    "１",
    "e5",
    "1e",
    ".",
  ];
  const { columns: found } = await columns(`n\n${texts.join("\n")}\n`);
  assert.deepEqual([found[0].numbers, found[0].count], [0, texts.length]);
});

test("csv-stats takes delimiter and header from its configuration", { skip }, async () => {
  const found = await columns("1;2,5\n3;4,5\n", { delimiter: ",", header: "false" });
  assert.deepEqual([found.rows, found.delimiter, found.columns.length], [2, ",", 2]);
  assert.deepEqual(found.columns[0].name, "column 1");
  assert.deepEqual((await columns("1;2,5;3\n")).delimiter, ";");
});

test("csv-stats refuses more columns than it keeps", { skip }, async () => {
  assert.equal((await columns(",".repeat(999))).columns.length, 1000);
  await assert.rejects(columns(",".repeat(1000)), /it has more than 1000 columns/);
});

test("csv-stats keeps its numbers exact where sums would not", { skip }, async () => {
  const values = Array.from({ length: 1000 }, (_, index) => `${1e9 + (index % 2)}`);
  const { mean, stddev } = (await columns(`n\n${values.join("\n")}`)).columns[0];
  assert(Math.abs(mean - (1e9 + 0.5)) < 1e-6 && Math.abs(stddev - 0.50025) < 1e-5, `${stddev}`);
  const extreme = (await columns("n\n1e308\n-1e308\n1e308\n")).columns[0];
  assert.deepEqual([extreme.min, extreme.max, extreme.numbers], [-1e308, 1e308, 3]);
});

test("csv-stats agrees with a reference on any text", { skip }, async () => {
  await using guest = await guestOf("csv-stats");
  const unit = fc.constantFrom(...'""",;\t|\n\r \ta1.-+e0é🦉');
  const text = fc.string({ unit, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(text, (csv) => agrees(guest, csv)),
    { numRuns: 3000 },
  );
});

test("csv-stats agrees with a reference on any table", { skip }, async () => {
  await using guest = await guestOf("csv-stats");
  const value = fc.oneof(
    fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e100, max: 1e100 }).map(String),
    fc.integer().map(String),
    fc.string({ unit: "grapheme", maxLength: 30 }),
  );
  const cell = value.map((one) =>
    /[",;\t|\r\n]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one,
  );
  const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 6 }), { maxLength: 30 });
  const csv = fc
    .tuple(table, fc.constantFrom(",", ";", "\t", "|"), fc.constantFrom("\n", "\r\n", "\r"))
    .map(([rows, delimiter, newline]) => rows.map((row) => row.join(delimiter)).join(newline));
  await fc.assert(
    fc.asyncProperty(csv, (one) => agrees(guest, one)),
    { numRuns: 500 },
  );
});

test("csv-stats describes five megabytes in the memory of a few columns", { skip }, async () => {
  const rows = Array.from({ length: 100_000 }, (_, index) => {
    return `${index},"name, ""${index % 700}""",${(index * 7919) % 1000},${"é".repeat(20)}`;
  });
  const csv = `id,name,score,word\n${rows.join("\n")}\n`;
  assert(Buffer.byteLength(csv) > 5 * 1024 * 1024);
  await using guest = await guestOf("csv-stats");
  const [id, name, score, word] = JSON.parse(await guest.call("columns", csv)).columns;
  assert.deepEqual([id.min, id.max, id.mean, id.distinctIsExact], [0, 99_999, 49_999.5, false]);
  assert(Math.abs(id.distinct - 100_000) < 10_000, `${id.distinct}`);
  assert.deepEqual([name.distinct, score.distinct, word.distinct], [700, 1000, 1]);
  assert((await guest.memoryBytes()) <= 2 * 1024 * 1024, `${await guest.memoryBytes()} bytes`);
});

type Column = NonNullable<ReturnType<typeof describeCsv>>["columns"][number];

async function agrees(guest: Guest, csv: string): Promise<void> {
  const reference = describeCsv(csv);
  if (reference === null) await assert.rejects(guest.call("columns", csv), /is never closed/);
  else assertSame(JSON.parse(await guest.call("columns", csv)), reference);
}

// Means are added up in another order, so they may differ in the last digits; and the squares of
// numbers below 1e-140 are too small for a double to hold all of theirs.
function assertSame(found: ReturnType<typeof describeCsv>, wanted: ReturnType<typeof describeCsv>) {
  assert(found !== null && wanted !== null);
  const bare = ({ columns, ...table }: typeof found) => ({
    ...table,
    columns: columns.map(({ mean, stddev, ...column }) => column),
  });
  assert.deepEqual(bare(found), bare(wanted));
  for (const [index, column] of wanted.columns.entries()) {
    const other: Column | undefined = found.columns[index];
    const scale = Math.max(Math.abs(column.min ?? 0), Math.abs(column.max ?? 0), 1e-140);
    for (const key of ["mean", "stddev"] as const) {
      const one = column[key];
      const two: number | null | undefined = other?.[key];
      const isClose =
        typeof one === "number" && typeof two === "number" && Math.abs(one - two) <= scale * 1e-9;
      assert(one === two || isClose, `${column.name} ${key}: ${one} and ${two}`);
    }
  }
}
