import { cpus, totalmem, uptime } from "node:os";

/** One line of the table: what was measured, beside what, and whether it is good enough. */
export interface Row {
  /** What, mode and concurrency. */
  readonly what: string;
  readonly ours: string;
  /** The peer, the unprotected case or the limit, measured in the same run. */
  readonly beside: string;
  /** How ours stands to it, or the figure that the bar speaks of. */
  readonly figure: string;
  readonly bar: string;
  readonly ok: boolean;
}

/** One question; it answers with a row for each of its modes, or says why it cannot. */
export type Question = () => Promise<readonly Row[]>;

/** Returns the machine and the versions that the numbers hold for. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const up = `up ${Math.round(uptime() / 60)} min`;
  return `${cpus().length} × ${cpu?.model ?? "?"}, ${memory}, Node ${process.version}, ${process.platform} ${process.arch}, ${up}`;
}

/** Returns the rows as text in columns. */
export function tableOf(rows: readonly Row[]): string {
  const head = { what: "what", ours: "ours", beside: "beside", figure: "figure", bar: "bar" };
  const lines = [
    { ...head, verdict: "" },
    ...rows.map((row) => ({ ...row, verdict: verdict(row) })),
  ];
  const names = ["what", "ours", "beside", "figure", "bar", "verdict"] as const;
  const widths = names.map((name) => Math.max(...lines.map((line) => line[name].length)));
  return lines
    .map((line) => names.map((name, column) => line[name].padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function verdict({ ok }: Row): string {
  return ok ? "ok" : "MISSED";
}

/** Returns the middle of some numbers. */
export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** Returns the number below which a share of all lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Calls `act` so often, so many at a time. Returns microseconds for one. */
export async function microseconds(
  count: number,
  inFlight: number,
  act: () => Promise<unknown>,
): Promise<number> {
  const state = { left: count };
  const startedAt = performance.now();
  const lane = async () => {
    while (state.left-- > 0) await act();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return ((performance.now() - startedAt) / count) * 1000;
}
