import { setTimeout as sleep } from "node:timers/promises";
import type { Parts } from "./assemble.ts";

/** How often a host that stops looks whether its calls are over. */
const stepMs = 20;
/** How long cancelled calls get to end and to be audited. */
const cancelMs = 2_000;

/** Takes no new call, waits for those that run, then cancels the rest and waits for their records. */
export async function drain(
  { admission, calls, audit, clock }: Pick<Parts, "admission" | "calls" | "audit" | "clock">,
  graceMs: number,
): Promise<void> {
  admission.close();
  const over = async (untilMs: number): Promise<void> => {
    const end = clock.monotonic() + untilMs;
    while (calls.size > 0 && clock.monotonic() < end) await sleep(stepMs);
  };
  await over(graceMs);
  calls.stopAll();
  await over(cancelMs);
  await audit.committed();
}
