/**
 * What a reader cannot see, and what would move or cover the text around it.
 *
 * That is every control, space but the plain one, bidi, zero-width, tag and unassigned character,
 * the blank of Braille, and the third and later of marks piled on one letter.
 */
const unseen = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u{2800}]|(?<=\p{M}{2})\p{M}/gu;

/**
 * Returns text that we did not write in a form that is safe to show: quoted, bounded, on one line.
 *
 * What cannot be seen is shown as `\u{…}`, so that a plugin cannot forge a line of a terminal or
 * hide words in what an operator reads.
 *
 * @param text      untrusted
 * @param charsMax  code points kept; the rest becomes an ellipsis outside the quotes
 */
export function quote(text: string, charsMax = 80): string {
  // Twice the units hold any `charsMax` code points; cut first, because the text may be megabytes.
  const points = [...text.slice(0, 2 * charsMax + 2)];
  const kept = points.slice(0, charsMax).join("");
  const rest = kept.length < text.length ? "…" : "";
  return `"${escapeUnseen(kept.replace(/["\\]/g, "\\$&"))}"${rest}`;
}

/**
 * Returns a JSON value in a few words for an error: small values literally, others by their kind.
 *
 * @param value  untrusted
 */
export function describe(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value === undefined) return "nothing";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * Returns text with every character that a reader cannot see replaced.
 *
 * @param text    untrusted
 * @param spell  what stands for such a character; `\u{…}` by default
 */
export function escapeUnseen(text: string, spell = codePointSpelled): string {
  return text.replace(unseen, spell);
}

function codePointSpelled(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
