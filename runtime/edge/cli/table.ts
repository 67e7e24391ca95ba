import { stripVTControlCharacters } from "node:util";

/** Characters that a terminal draws two columns wide: pictures, and the scripts of East Asia. */
const wide =
  /[\p{Extended_Pictographic}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}！-｠]/u;
const marks = /\p{M}/u;
/** A count, a size or an age, and no version or date. */
const amount = /^\d+(\.\d+)?( .*)?$/;
const gap = "  ";

/**
 * Returns rows under their headings, in columns as wide as their widest cell.
 *
 * A column of numbers (counts, sizes, ages) is aligned to the right.
 *
 * @param cells  text that is safe to show already, as many a row as there are headings
 */
export function table(headings: readonly string[], cells: readonly (readonly string[])[]): string {
  const columns = headings.map((heading, index) => {
    const own = cells.map((row) => row[index] ?? "");
    const width = Math.max(...[heading, ...own].map(widthOf));
    return { width, isNumeric: own.length > 0 && own.every((cell) => amount.test(cell)) };
  });
  const line = (row: readonly string[]): string =>
    columns
      .map(({ width, isNumeric }, index) => {
        const cell = row[index] ?? "";
        const space = " ".repeat(width - widthOf(cell));
        return isNumeric ? space + cell : cell + space;
      })
      .join(gap)
      .trimEnd();
  return [headings, ...cells].map(line).join("\n");
}

/** Returns names and what they stand for, one a line, aligned. */
export function pairs(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => widthOf(name)));
  return entries
    .map(([name, value]) => `${name}${" ".repeat(width - widthOf(name))}${gap}${value}`)
    .join("\n");
}

function widthOf(text: string): number {
  const points = [...stripVTControlCharacters(text)];
  const widths = points.map((point) => (marks.test(point) ? 0 : wide.test(point) ? 2 : 1));
  return widths.reduce<number>((sum, width) => sum + width, 0);
}
