import assert from "node:assert/strict";
import { HostError } from "#manifests/errors.ts";
import type { CallRequest, LogLevel } from "./call.ts";
import type { OpenCall } from "./call-rules.ts";
import type { CallSecrets } from "./call-secrets.ts";
import type { Calls } from "./calls.ts";
import type { Clock } from "./clock.ts";
import { failureOf } from "./failure.ts";
import type { GuestLogs } from "./guest-logs.ts";
import type { Active, Installed } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { LoadWish } from "./loader.ts";
import { fuelGrain } from "./sandbox/messages.ts";
import type { WorkPorts } from "./sandbox/runner.ts";
import type { SeatWork } from "./sandbox/seat.ts";
import type { VersionRecord } from "./store/records.ts";
import { activeVersion } from "./views.ts";

/** A hook does little: its own bounds, whatever the plugin has for its calls. */
const hookMs = 5_000;
const hookFuel = 2_000_000_000;
/** Host functions that one hook may call. */
const hookAsksMax = 100;
const levels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

/** A hook that is to be run, and who did what it is for. */
export interface HookRun {
  readonly hook: "load" | "unload" | "config" | "health";
  readonly input: unknown;
  readonly by: Caller;
}

/** Runs a hook of a version once, in an instance of its own; a version without it has nothing to say. */
export type RunHook = (active: Active, run: HookRun) => Promise<void>;

/** What running a hook needs of the host. */
export interface HookParts {
  readonly clock: Clock;
  readonly calls: Calls;
  readonly logs: GuestLogs;
  readonly secrets: CallSecrets;
}

/** What saying farewell needs of the host. */
export interface FarewellParts {
  readonly load: (installed: Installed, version: VersionRecord, wish?: LoadWish) => Active;
  readonly runHook: RunHook;
}

/**
 * Returns a function that runs a hook of a version. A return code other than 0, an error or a trap is a
 * refusal.
 *
 * Load, configuration and unload hooks ask the host under the plugin's own grants, as calls of whoever
 * did what they are for: live, audited, and with bounds of their own. A health hook asks for nothing:
 * it is run before anybody has decided that the version may do anything, and again for every monitor.
 *
 * @throws HOOK_FAILED, INIT_FAILED, RUNNER_DIED
 */
export function createHookRunner(parts: HookParts): RunHook {
  return async (active, run) => {
    const tool = active.hooks.get(run.hook);
    if (tool === undefined) return;
    const failure =
      run.hook === "health"
        ? await checkHealth(parts, active, workOf(run, tool))
        : await runAsCall(parts, active, { run, tool });
    if (failure === undefined) return;
    const { plugin } = active.version;
    const { message } = parts.secrets.failure(active.version, failure);
    throw new HostError("HOOK_FAILED", { plugin, hook: run.hook, message }, { cause: failure });
  };
}

function workOf({ input }: HookRun, tool: number): Omit<SeatWork, "ports" | "signal"> {
  return {
    tool,
    input: Buffer.from(JSON.stringify(input)),
    rawInput: false,
    rawOutput: false,
    deadlineMs: hookMs,
    fuel: hookFuel,
  };
}

function logOf({ logs, secrets }: HookParts, { version }: Active): WorkPorts["log"] {
  return (level, said) => {
    const text = secrets.settingsLine(version, said);
    logs.write(version.plugin, { callId: null, level: levels[level] ?? "error", text });
  };
}

async function checkHealth(
  parts: HookParts,
  active: Active,
  work: ReturnType<typeof workOf>,
): Promise<HostError | undefined> {
  using seat = await active.pool.apart();
  const ports = { ask: () => Promise.resolve(notInACall), log: logOf(parts, active) };
  const outcome = await seat.run({ ...work, ports, signal: undefined });
  return outcome.ok ? undefined : failureOf(active, hookMs, outcome.payload);
}

/** @returns how it failed, if it did @throws what kept it from being run */
async function runAsCall(
  parts: HookParts,
  active: Active,
  { run, tool }: { readonly run: HookRun; readonly tool: number },
): Promise<HostError | undefined> {
  const { calls } = parts;
  const call = openHook(parts, active, run);
  try {
    using seat = await active.pool.apart();
    const ports = portsOf(parts, call, active);
    const outcome = await seat.run({ ...workOf(run, tool), ports, signal: call.abort.signal });
    return await calls.account(call, active, outcome).then(
      () => undefined,
      (failure: unknown) => {
        if (failure instanceof HostError && !outcome.ok) return failure;
        throw failure;
      },
    );
  } catch (error) {
    throw await calls.refuse(call, error);
  }
}

/** A call that nobody waits in line for: it has its instance, and its time runs. */
function openHook({ calls, clock }: HookParts, active: Active, { hook, by }: HookRun): OpenCall {
  const tool = `(${hook})`;
  const request: CallRequest = {
    ...{ caller: by, plugin: active.version.plugin, tool },
    input: { json: "" },
  };
  const runningSince = clock.monotonic();
  return Object.assign(calls.open(request), {
    ...({ plugin: active, tool, state: "running", runningSince, fuelLimit: hookFuel } as const),
    deadlineAt: runningSince + hookMs,
  });
}

function portsOf(parts: HookParts, call: OpenCall, active: Active): WorkPorts {
  const asker = parts.calls.askerFor(call, active);
  const asked = { count: 0 };
  return {
    ask: async (number, exchange) => {
      asked.count += 1;
      if (asked.count > hookAsksMax) return tooMany;
      const linked = active.functions[number];
      assert(linked);
      const before = call.childFuel;
      const answer = await linked.guarded(asker, exchange);
      return { ...answer, fuel: Math.ceil((call.childFuel - before) / fuelGrain) };
    },
    log: (level, text) => logOf(parts, active)(level, parts.secrets.line(asker, text)),
  };
}

/**
 * Tells the version that answered that it will not be called again. What it makes of that changes
 * nothing; one that was stopped is not started for it.
 */
export async function sayFarewell(
  { load, runHook }: FarewellParts,
  installed: Installed,
  by: Caller,
): Promise<void> {
  const { plugin, loaded } = installed;
  const version = activeVersion(installed);
  if (version.manifest.lifecycle.unload === undefined || plugin.state !== "enabled") return;
  const active = loaded.get(version.digest) ?? load(installed, version);
  loaded.set(version.digest, active);
  await runHook(active, { hook: "unload", input: {}, by }).catch(() => {});
}

/** An answer that refuses a host function, in the form of all its answers. */
function refusal(code: string, message: string) {
  return { json: Buffer.from(JSON.stringify({ error: { code, message } })), blocks: [] };
}

const notInACall = refusal("NOT_IN_A_CALL", "a health check has no host functions");
const tooMany = refusal("HOST_CALLS_EXHAUSTED", `a hook may ask the host ${hookAsksMax} times`);
