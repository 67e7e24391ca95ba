import { escapeUnseen, quote } from "#manifests/quote.ts";

/** Names that pass as they are: visible ASCII without the signs that shells and quotes use. */
const plainName = /^[A-Za-z0-9@/._:+-]{1,128}$/;
/** The longest line of a log or a message that is shown; longer ones fill a screen. */
const lineCharsMax = 2_000;

/**
 * Returns text that we did not write as one quoted, bounded line; the only door to a screen for it.
 *
 * @param text      untrusted
 * @param charsMax  code points shown; 200 by default
 */
export function quoteUntrusted(text: string, charsMax = 200): string {
  return quote(text, charsMax);
}

/**
 * Returns an id, a version or another name of a grammar as it is, and anything else quoted.
 *
 * @param text  untrusted
 */
export function untrustedName(text: string): string {
  return plainName.test(text) ? text : quoteUntrusted(text, 80);
}

/**
 * Returns a sentence of our own form that came over a wire or holds such text, on one line.
 *
 * Not quoted, because it is a sentence; nothing in it can move the cursor, hide or reorder words.
 *
 * @param text  untrusted
 */
export function untrustedLine(text: string): string {
  const points = [...text.slice(0, 2 * lineCharsMax)].slice(0, lineCharsMax).join("");
  return escapeUnseen(points) + (points.length < text.length ? "…" : "");
}

/**
 * Returns text of several lines, each escaped and bounded, for a screen.
 *
 * @param text      untrusted
 * @param linesMax  lines shown; the number of those left out follows
 */
export function untrustedLines(text: string, linesMax = 1_000): string {
  const lines = text.split(/\r?\n/);
  const shown = lines.slice(0, linesMax).map(untrustedLine);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`(${rest} more lines)`] : [])].join("\n");
}

/**
 * Returns a value as JSON text that means the same and holds nothing a reader cannot see.
 *
 * @param value   untrusted
 * @param indent  spaces a level; 0 for one line
 */
export function untrustedJson(value: unknown, indent = 0): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  return escapeUnseen(text, (found) => (found === "\n" ? found : jsonEscape(found)));
}

function jsonEscape(text: string): string {
  const unit = (index: number): string => text.charCodeAt(index).toString(16).padStart(4, "0");
  return Array.from({ length: text.length }, (_, index) => `\\u${unit(index)}`).join("");
}
