import { HostError } from "#manifests/errors.ts";
import { failureOf } from "./failure.ts";
import type { GuestLogs } from "./guest-logs.ts";
import type { Active } from "./installed.ts";

/** A hook does little, and belongs to no call: its own bounds. */
const hookMs = 5_000;
const hookFuel = 2_000_000_000;
const levels = ["trace", "debug", "info", "warn", "error"] as const;

/**
 * Returns a function that runs a hook of a version once, in an instance of its own.
 *
 * A return code other than 0, an error or a trap is a refusal. Host functions are refused to it: a hook
 * is no call, and nobody's grants are spent on it.
 *
 * @throws HOOK_FAILED, INIT_FAILED, RUNNER_DIED
 */
export function createHookRunner(
  logs: GuestLogs,
): (active: Active, hook: string, input: unknown) => Promise<void> {
  return async (active, hook, input) => {
    const tool = active.hooks.get(hook);
    const { plugin } = active.version;
    if (tool === undefined) return;
    using seat = await active.pool.apart();
    const outcome = await seat.run({
      tool,
      input: Buffer.from(JSON.stringify(input)),
      rawInput: false,
      rawOutput: false,
      deadlineMs: hookMs,
      fuel: hookFuel,
      ports: {
        ask: () => Promise.resolve(notInACall),
        log: (level, text) =>
          logs.write(plugin, { callId: null, level: levels[level] ?? "error", text }),
      },
      signal: undefined,
    });
    if (outcome.ok) return;
    const { message } = failureOf(active, hookMs, outcome.payload);
    throw new HostError("HOOK_FAILED", { plugin, hook, message });
  };
}

const notInACall = {
  json: Buffer.from('{"error":{"code":"NOT_IN_A_CALL","message":"hooks have no host functions"}}'),
  blocks: [],
};
