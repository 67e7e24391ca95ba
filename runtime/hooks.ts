import { HostError } from "#manifests/errors.ts";
import { failureOf } from "./failure.ts";
import type { GuestLogs } from "./guest-logs.ts";
import type { Active, Installed } from "./installed.ts";
import type { VersionRecord } from "./store/records.ts";
import { activeVersion } from "./views.ts";

/** A hook does little, and belongs to no call: its own bounds. */
const hookMs = 5_000;
const hookFuel = 2_000_000_000;
const levels = ["trace", "debug", "info", "warn", "error"] as const;

/** What saying farewell needs of the host. */
export interface FarewellParts {
  readonly load: (installed: Installed, version: VersionRecord) => Active;
  readonly runHook: (active: Active, hook: string, input: unknown) => Promise<void>;
}

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

/**
 * Tells the version that answered that it will not be called again. What it makes of that changes
 * nothing; one that was stopped is not started for it.
 */
export async function sayFarewell(
  { load, runHook }: FarewellParts,
  installed: Installed,
): Promise<void> {
  const { plugin, loaded } = installed;
  const version = activeVersion(installed);
  if (version.manifest.lifecycle.unload === undefined || plugin.state !== "enabled") return;
  const active = loaded.get(version.digest) ?? load(installed, version);
  loaded.set(version.digest, active);
  await runHook(active, "unload", {}).catch(() => {});
}

const notInACall = {
  json: Buffer.from('{"error":{"code":"NOT_IN_A_CALL","message":"hooks have no host functions"}}'),
  blocks: [],
};
