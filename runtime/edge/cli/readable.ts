const steps = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/** Returns how far a moment is, in its largest unit: `3 d`, `12 min`; `-` for none. */
export function ageText(moment: string | null | undefined, now: number): string {
  const at = Date.parse(moment ?? "");
  return Number.isNaN(at) ? "-" : secondsText(Math.abs(now - at) / 1_000);
}

/** Returns a number of seconds in its largest unit, rounded down. */
export function secondsText(seconds: number): string {
  const [size, unit] = steps.find(([step]) => seconds >= step) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Returns a duration with three figures at most: `0.42 ms`, `12 ms`, `1.5 s`. */
export function millisecondsText(ms: number): string {
  if (ms >= 1_000) return `${figures(ms / 1_000)} s`;
  return `${figures(ms)} ms`;
}

/** Returns a size with three figures at most: `512 B`, `1.5 MiB`. */
export function bytesShort(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${figures(bytes / 2 ** (10 * power))} ${units[power]}`;
}

/** Returns a count with three figures at most: `950`, `12.3 k`, `4 M`. */
export function countText(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 1e6) return `${figures(count / 1e3)} k`;
  return count < 1e9 ? `${figures(count / 1e6)} M` : `${figures(count / 1e9)} G`;
}

function figures(value: number): string {
  return String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}
