import { Matcher } from "#runtime/capabilities/redact/matcher.ts";
import { needlesOf } from "#runtime/capabilities/redact/needles.ts";
import { createRedactor } from "#runtime/capabilities/redact/redaction.ts";
import type { Redactor } from "#runtime/capabilities/injection.ts";

/** A redactor of a test, and which values it has found. */
export interface TestRedactor {
  readonly redactor: Redactor;
  readonly hits: readonly string[];
}

/** Returns what takes these values out. */
export function redactorFor(values: readonly string[]): TestRedactor {
  const hits: string[] = [];
  const labelled = values.flatMap((value) =>
    needlesOf(value).map((needle) => ({ label: value, needle })),
  );
  const matcher = new Matcher(labelled);
  const onHit = (value: string) => void hits.push(value);
  return { redactor: createRedactor({ matcher: () => matcher, onHit }), hits };
}

/** Redacts bytes in pieces that end at these places. */
export function inPieces(
  { redactor }: TestRedactor,
  bytes: Uint8Array,
  cuts: readonly number[],
): Buffer {
  const stream = redactor.stream();
  const ends = [...cuts, bytes.length];
  const pieces = ends.map((end, index) => stream.push(bytes.subarray(ends[index - 1] ?? 0, end)));
  return Buffer.concat([...pieces, stream.end()]);
}
