import { HostError } from "./errors.ts";
import { quote } from "./quote.ts";

const bytesOf = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;
const millisecondsOf = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The grammar of sizes, for schemas: `64MiB`. */
export const bytesPattern = "^(?:0|[1-9][0-9]{0,8})(?:B|KiB|MiB|GiB|TiB)$";
/** The grammar of durations, for schemas: `5s`. */
export const durationPattern = "^(?:0|[1-9][0-9]{0,8})(?:ms|s|m|h|d)$";

/**
 * Returns the bytes that a size means: `512B`, `64KiB`, `32MiB`, `2GiB`, `1TiB`.
 *
 * Only binary units, written in full: `64MB` would mean two things.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parseBytes(text: string): number {
  const value = amount(text, bytesPattern, bytesOf);
  if (value !== undefined) return value;
  throw new HostError("NAME_INVALID", {
    found: quote(text),
    what: "a size",
    expected: "a whole number and B, KiB, MiB, GiB or TiB",
    example: "64MiB",
  });
}

/**
 * Returns the milliseconds that a duration means: `250ms`, `5s`, `10m`, `1h`, `90d`.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parseDuration(text: string): number {
  const value = amount(text, durationPattern, millisecondsOf);
  if (value !== undefined) return value;
  throw new HostError("NAME_INVALID", {
    found: quote(text),
    what: "a duration",
    expected: "a whole number and ms, s, m, h or d",
    example: "5s",
  });
}

/** Returns a size in the largest unit that divides it: 67108864 as `64MiB`. */
export function bytesText(bytes: number): string {
  return inUnits(bytes, bytesOf);
}

/** Returns a duration in the largest unit that divides it: 90000 ms as `90s`. */
export function durationText(milliseconds: number): string {
  return inUnits(milliseconds, millisecondsOf);
}

function amount(text: string, form: string, units: Record<string, number>): number | undefined {
  if (!new RegExp(form).test(text)) return undefined;
  const digits = Number.parseInt(text, 10);
  const value = digits * (units[text.slice(String(digits).length)] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}

function inUnits(value: number, units: Record<string, number>): string {
  const fitting = Object.entries(units).filter(([, size]) => value % size === 0);
  const [unit, size] = (value === 0 ? fitting[0] : fitting.at(-1)) ?? ["", 1];
  return `${value / size}${unit}`;
}
