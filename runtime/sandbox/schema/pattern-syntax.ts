/** White space of ECMA-262 as ranges, of which RE2's `\s` is a part only. */
const space = [
  "\\x09-\\x0d\\x20\\x{a0}\\x{1680}\\x{2000}-\\x{200a}",
  "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}",
].join("");
/** All other characters. */
const notSpace = [
  "\\x00-\\x08\\x0e-\\x1f\\x21-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}",
  "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}",
  "\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}",
].join("");

/** The escapes, one for each line; what each group is stands in `escapeAt`. */
const escapes = new RegExp(
  [
    /\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/,
    /\\u(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/,
    /\\c([A-Za-z])/,
    /\\([pP])\{(?:(?:General_Category|gc|Script|sc)=)?(\w+)\}/,
    /\\([\s\S])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "y",
);

/**
 * Returns an expression of ECMA-262 in the syntax of RE2 with the same meaning, or undefined when
 * it is none. What RE2 cannot do stays in it, for RE2 to refuse.
 *
 * @param source  untrusted; at most a kilobyte
 * @see https://tc39.es/ecma262/#sec-patterns
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function toLinearSyntax(source: string): string | undefined {
  // Modifiers such as `(?i:…)` would change what the pieces below mean.
  if (!isEcmaPattern(source) || /\(\?[ims-]/.test(source)) return undefined;
  let linear = "";
  let inClass = false;
  for (let index = 0; index < source.length; ) {
    const piece = pieceAt(source, index, inClass);
    linear += piece.text;
    inClass = piece.inClass;
    index += piece.length;
  }
  return linear;
}

interface Piece {
  readonly text: string;
  /** UTF-16 units of the source that it stands for. */
  readonly length: number;
  /** Whether a class is open after it. */
  readonly inClass: boolean;
}

function pieceAt(source: string, index: number, inClass: boolean): Piece {
  const character = source[index] ?? "";
  if (character === "\\") return { ...escapeAt(source, index, inClass), inClass };
  if (inClass) {
    // In RE2 a bracket inside a class may begin a named one.
    const text = character === "[" ? "\\[" : character;
    return { text, length: 1, inClass: character !== "]" };
  }
  // Names of groups are for replacements; here they would only differ in what they may be.
  const name = character === "(" ? /^\(\?<[^=!>]+>/.exec(source.slice(index))?.[0] : undefined;
  if (name !== undefined) return { text: "(?:", length: name.length, inClass };
  if (source.startsWith("[^]", index)) return { text: "(?s:.)", length: 3, inClass };
  if (source.startsWith("[]", index)) return { text: "[^\\x00-\\x{10ffff}]", length: 2, inClass };
  if (source.startsWith("[^", index)) return { text: "[^", length: 2, inClass: true };
  if (character === ".") return { text: "[^\\n\\r\\x{2028}\\x{2029}]", length: 1, inClass };
  return { text: character, length: 1, inClass: character === "[" };
}

function escapeAt(source: string, index: number, inClass: boolean): Omit<Piece, "inClass"> {
  const form = new RegExp(escapes);
  form.lastIndex = index;
  const found = form.exec(source);
  const [all = "\\", high, low, unit, point, control, p, property, other] = found ?? [];
  const give = (text: string) => ({ text, length: all.length });
  if (high !== undefined && low !== undefined) {
    const pair = String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16));
    return give(`\\x{${pair.codePointAt(0)?.toString(16)}}`);
  }
  if (unit !== undefined || point !== undefined) return give(`\\x{${unit ?? point}}`);
  if (control !== undefined) return give(`\\x{${(control.charCodeAt(0) % 32).toString(16)}}`);
  if (property !== undefined) return give(`\\${p}{${property}}`);
  if (other === "s") return give(inClass ? space : `[${space}]`);
  if (other === "S") return give(inClass ? notSpace : `[${notSpace}]`);
  if (other === "b" && inClass) return give("\\x08");
  return give(other === "0" ? "\\x00" : all);
}

function isEcmaPattern(source: string): boolean {
  try {
    // Only parsed, never run: the engine behind it backtracks.
    return new RegExp(source, "u") instanceof RegExp;
  } catch {
    return false; // Not an expression: that is the answer.
  }
}
