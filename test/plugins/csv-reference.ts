/** The same statistics as the plugin's, by other means: a whole table in memory, two passes. */
export function describeCsv(text: string, hasHeader = true) {
  const source = text.startsWith("\ufeff") ? text.slice(1) : text;
  const delimiter = delimiterOf(source);
  const records = recordsOf(source, delimiter);
  if (records === null) return null;
  const rows = hasHeader ? records.slice(1) : records;
  const names = hasHeader ? (records[0] ?? []) : [];
  const width = Math.max(0, ...records.map((record) => record.length));
  return {
    rows: rows.length,
    raggedRows: rows.filter((row) => row.length !== records[0]?.length).length,
    delimiter,
    columns: Array.from({ length: width }, (_, index) =>
      columnOf(
        names[index]?.trim() || `column ${index + 1}`,
        rows.map((row) => row[index] ?? ""),
      ),
    ),
  };
}

function columnOf(name: string, cells: readonly string[]) {
  const values = cells.filter((cell) => !/^[ \t]*$/.test(cell));
  const numbers = values.filter(isNumber).map((cell) => Number(cell.replace(/^[ \t]*\+/, "")) + 0);
  const lengths = values.map((cell) => [...cell].length);
  const longestCharacters = Math.max(0, ...lengths);
  const longest = values[lengths.indexOf(longestCharacters)] ?? null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const some = numbers.length > 0;
  return {
    name: [...name].slice(0, 200).join(""),
    type: typeOf(values.length, numbers.length),
    count: values.length,
    empty: cells.length - values.length,
    distinct: new Set(values).size,
    distinctIsExact: true,
    numbers: numbers.length,
    min: some ? Math.min(...numbers) : null,
    max: some ? Math.max(...numbers) : null,
    mean: finite(mean),
    stddev: numbers.length > 1 ? finite(Math.sqrt(squares / (numbers.length - 1))) : null,
    longestCharacters,
    longestText: longest === null ? null : [...longest].slice(0, 100).join(""),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function typeOf(values: number, numbers: number): string {
  if (values === 0) return "empty";
  if (numbers === 0) return "text";
  return numbers === values ? "number" : "mixed";
}

function isNumber(cell: string): boolean {
  const isDecimal = /^[ \t]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t]*$/.test(cell);
  return isDecimal && Number.isFinite(Number(cell.replace("+", "")));
}

function delimiterOf(text: string): string {
  const unquoted = text.replace(/^[\r\n]+/, "").replaceAll(/"[^"]*("|$)/g, "");
  const first = unquoted.split(/[\r\n]/, 1)[0] ?? "";
  const count = (one: string) => first.split(one).length;
  return [",", ";", "\t", "|"].reduce((best, one) => (count(one) > count(best) ? one : best));
}

// One match a cell; null when a quote is never closed.
function recordsOf(text: string, delimiter: string): string[][] | null {
  const end = delimiter === "|" ? "\\|" : delimiter;
  const cell = new RegExp(
    `(?:"((?:[^"]|"")*)("|$))?([^${end}\\r\\n]*)(${end}|\\r\\n|\\r|\\n|$)`,
    "y",
  );
  const records: string[][] = [];
  let record: string[] = [];
  while (cell.lastIndex < text.length || record.length > 0) {
    const start = cell.lastIndex;
    const [, quoted, closed, plain, after] = cell.exec(text) ?? [];
    if (quoted !== undefined && closed !== '"') return null;
    const isEmptyLine = record.length === 0 && cell.lastIndex - start === (after ?? "").length;
    if (!isEmptyLine || after === delimiter)
      record.push((quoted ?? "").replaceAll('""', '"') + plain);
    if (after === delimiter) {
      // A delimiter at the very end is followed by one more, empty cell.
      if (cell.lastIndex === text.length) record.push("");
      else continue;
    }
    if (record.length > 0) records.push(record);
    record = [];
  }
  return records;
}
