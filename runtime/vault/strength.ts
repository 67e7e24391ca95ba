/** Bytes below which a value turns up in ordinary text by chance. */
const bytesMin = 8;
/** Bits of Shannon's measure below which a value is a repetition. */
const bitsMin = 18;

/**
 * Returns why a value cannot be told from ordinary text, or undefined when it can.
 *
 * Values that the host puts into requests are looked for in all that comes back; one that is a word,
 * a year or a row of the keyboard would be found where it is none, and texts would be spoilt. This
 * is no measure of how hard a value is to guess.
 */
export function weakness(value: string): string | undefined {
  const bytes = Buffer.byteLength(value);
  if (bytes < bytesMin) return `it has ${bytes} bytes, fewer than ${bytesMin}`;
  if (/^\d{1,15}$/.test(value)) return "it is a number of fewer than 16 digits";
  if (/^(?:[a-z]|[A-Z](?=[a-z]*$)|[A-Z](?=[A-Z]*$)){1,19}$/.test(value)) return "it is like a word";
  if (isSequence(value)) return "its characters follow each other";
  return entropyBits(value) < bitsMin ? "its characters repeat" : undefined;
}

/** Whether each character is the one after the one before it. */
function isSequence(value: string): boolean {
  const codes = [...value].map((character) => character.codePointAt(0) ?? 0);
  return codes.every((code, index) => index === 0 || code === (codes[index - 1] ?? 0) + 1);
}

/** @see https://en.wikipedia.org/wiki/Entropy_(information_theory) */
function entropyBits(value: string): number {
  const characters = [...value];
  const counts = Map.groupBy(characters, (character) => character).values();
  const shares = [...counts].map(({ length }) => length / characters.length);
  return shares.reduce((bits, share) => bits - share * Math.log2(share), 0) * characters.length;
}
