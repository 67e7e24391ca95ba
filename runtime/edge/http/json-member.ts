const quotation = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/**
 * Returns the text of one member of a JSON object, exactly as it was written, or undefined.
 *
 * Not parsed and written anew: that would turn `1.0` into `1` and round what a double cannot hold.
 *
 * @param text  an object that has passed `parseStrictJson`, so no key stands in it twice
 */
export function memberText(text: string, name: string): string | undefined {
  const quoted = JSON.stringify(name);
  for (let at = skipSpace(text, text.indexOf("{") + 1); text.charCodeAt(at) === quotation; ) {
    const keyEnd = stringEnd(text, at) + 1;
    const key = text.slice(at, keyEnd);
    const start = skipSpace(text, text.indexOf(":", keyEnd) + 1);
    const end = valueEnd(text, start);
    if (key === quoted || (key.includes("\\") && JSON.parse(key) === name))
      return text.slice(start, end);
    at = skipSpace(text, text.indexOf(",", end) + 1);
  }
  return undefined;
}

/** Returns where the value that begins at `start` ends. */
function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quotation) return stringEnd(text, start) + 1;
  if (first === openBrace || first === openBracket) return nestEnd(text, start);
  let end = start;
  while (!isEndOfScalar(text.charCodeAt(end))) end++;
  return end;
}

function nestEnd(text: string, start: number): number {
  for (let at = start, depth = 0; ; at++) {
    const code = text.charCodeAt(at);
    if (code === quotation) at = stringEnd(text, at);
    else if (code === openBrace || code === openBracket) depth++;
    else if ((code === closeBrace || code === closeBracket) && --depth === 0) return at + 1;
  }
}

/** Returns the index of the quotation mark that ends the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before--;
    if ((end - before) % 2 === 1) return end;
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isEndOfScalar(code: number): boolean {
  return code === comma || code === closeBrace || code === closeBracket || isSpace(code);
}
