import { HostError } from "./errors.ts";
import { quote } from "./quote.ts";

const bytesOf = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;
const millisecondsOf = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A number without leading zeros; the more a unit means, the fewer digits keep it exact. */
const upTo = (digits: number, unit: string): string => `(?:0|[1-9][0-9]{0,${digits - 1}})${unit}`;

/** The grammar of sizes, for schemas: `64MiB`. What fits it is exact. */
export const bytesPattern = `^(?:${[
  upTo(15, "B"),
  upTo(12, "KiB"),
  upTo(9, "MiB"),
  upTo(6, "GiB"),
  upTo(3, "TiB"),
].join("|")})$`;
/** The grammar of durations, for schemas: `5s`. What fits it is exact. */
export const durationPattern = `^(?:${[
  upTo(15, "ms"),
  upTo(12, "s"),
  upTo(10, "m"),
  upTo(8, "h"),
  upTo(7, "d"),
].join("|")})$`;

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

/** Returns a size as people write it in a sentence: `64 MiB`. */
export function bytesWords(bytes: number): string {
  return bytesText(bytes).replace(/[A-Z]/, " $&");
}

/** Returns a duration in the largest unit that divides it: 90000 ms as `90s`. */
export function durationText(milliseconds: number): string {
  return inUnits(milliseconds, millisecondsOf);
}

function amount(text: string, form: string, units: Record<string, number>): number | undefined {
  if (!new RegExp(form).test(text)) return undefined;
  const digits = Number.parseInt(text, 10);
  const unit = units[text.slice(String(digits).length)];
  return unit === undefined ? undefined : digits * unit;
}

function inUnits(value: number, units: Record<string, number>): string {
  const fitting = Object.entries(units).filter(([, size]) => value % size === 0);
  const [unit, size] = (value === 0 ? fitting[0] : fitting.at(-1)) ?? ["", 1];
  return `${value / size}${unit}`;
}
