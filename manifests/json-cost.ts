/**
 * The cost up to which a JSON text may be parsed in one go. To build a value takes hundreds of times
 * longer than to read its text: 8 MiB of `{},` hold a thread for most of a second. Up to here it is
 * some 60 ms where every key is another one, and a few where keys repeat.
 */
export const jsonCostMax = 500_000;

const quotation = 0x22;
const backslash = 0x5c;

/** What stands alone in a text for so long is passed over by the engine: blanks or digits. */
const plainMax = 256;

/**
 * Returns about how much work it is to parse a JSON text: 1 for each value, 3 more for a list or an
 * object, 2 more for a key. Texts count nothing by length; the engine copies them.
 *
 * @param text  need not be valid; untrusted
 * @returns     exact up to `jsonCostMax`, else anything above it
 */
export function jsonCost(text: string): number {
  const token = /["[{,:]/g;
  let cost = 1;
  let plain = 0;
  for (let at = 0; at < text.length && cost <= jsonCostMax; at++) {
    plain++;
    switch (text.charCodeAt(at)) {
      case quotation:
        at = stringEnd(text, at);
        plain = 0;
        break;
      case 0x5b: // [
      case 0x7b: // {
        cost += 3;
        plain = 0;
        break;
      case 0x3a: // :
        cost += 2;
        plain = 0;
        break;
      case 0x2c: // ,
        cost += 1;
        plain = 0;
        break;
      default:
        if (plain < plainMax) break;
        token.lastIndex = at;
        if (!token.test(text)) return cost;
        at = token.lastIndex - 2;
        plain = 0;
    }
  }
  return cost;
}

/** Returns the index of the quotation mark that ends the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
