import { envFunctions, envModule, wasiFunctions, wasiModule } from "#plugin-sdk/abi.ts";
import { Fleet } from "#runtime/sandbox/fleet.ts";
import type { GuestLimits, ToolPlan } from "#runtime/sandbox/messages.ts";
import { Pool } from "#runtime/sandbox/pool.ts";
import { prepareApart } from "#runtime/sandbox/preparer.ts";
import type { Outcome, WorkPorts } from "#runtime/sandbox/runner.ts";

/** A guest that is to be measured in the real sandbox: runner process, metering, pool, deadlines. */
export interface Wish {
  readonly wasm: Uint8Array;
  readonly tool: Pick<ToolPlan, "export" | "encoding"> & Partial<ToolPlan>;
  readonly instances: "fresh" | "warm" | "single";
  readonly plugin?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly ask?: WorkPorts["ask"];
  readonly limits?: Partial<GuestLimits>;
  readonly runningMax?: number;
}

/** One call of a measured guest. */
export interface Ask {
  readonly input?: Uint8Array;
  readonly caller?: string;
  readonly deadlineMs?: number;
  readonly fuel?: number;
  readonly raw?: boolean;
}

/** A plugin in the sandbox as the host would have it, without doors, keys and books. */
export interface Plugin {
  readonly pool: Pool;
  call(ask?: Ask): Promise<Outcome>;
}

/** The sandbox of one question. */
export interface Sandbox extends Disposable {
  readonly fleet: Fleet;
  /** Loads a guest; all guests of one sandbox share one runner. */
  load(wish: Wish): Promise<Plugin>;
}

const imports = {
  [envModule]: Object.keys(envFunctions),
  [wasiModule]: [...wasiFunctions],
  "extism:host/user": ["bench_wait"],
};
const limits = {
  memoryBytes: 64 * 1024 ** 2,
  outputBytes: 8 * 1024 ** 2,
  logBytes: 64 * 1024,
  hostCalls: 10_000,
};

/** Starts a sandbox; its runner process ends when it is disposed. */
export function createSandbox(): Sandbox {
  const fleet = new Fleet({
    runnersMax: 4,
    idleMs: 600_000,
    residentBytesMax: 4 * 1024 ** 3,
    heapMiB: 1024,
    share: true,
  });
  const last = { number: 0 };
  const numbers = { next: () => ++last.number };
  return {
    fleet,
    load: (wish) => load(fleet, numbers, wish),
    [Symbol.dispose]: () => fleet[Symbol.dispose](),
  };
}

async function load(fleet: Fleet, numbers: { next(): number }, wish: Wish): Promise<Plugin> {
  const prepared = await prepareApart({ memoryPagesMax: 1023, imports, schemas: [] }, wish.wasm);
  const { metered } = prepared;
  const plugin = wish.plugin ?? "bench";
  const pool = new Pool(
    {
      module: numbers.next(),
      plugin,
      binding: () => "bench",
      metered: async () => metered,
      instances: wish.instances,
      plan: {
        plugin,
        version: "1.0.0",
        tools: [{ name: "tool", ...wish.tool }],
        config: wish.config ?? {},
        functions: prepared.imports
          .filter(({ module }) => module === "extism:host/user")
          .map(({ module, name }) => `${module}.${name}`),
        limits: { ...limits, ...wish.limits },
        memoryPagesMin: prepared.memoryPagesMin,
        exports: prepared.exports.filter(({ kind }) => kind === "function"),
        folders: [],
        logLevel: 2,
      },
    },
    fleet,
    {
      runningMax: wish.runningMax ?? 64,
      liveMax: 5_000,
      instancesMax: 6_000,
      queuedMax: 20_000,
      callerQueuedMax: 20_000,
      queueMs: 60_000,
    },
    numbers,
  );
  const ports: WorkPorts = { ask: wish.ask ?? nothing, log: () => {} };
  await pool.warm();
  return { pool, call: (ask = {}) => call(pool, ports, ask) };
}

async function call(pool: Pool, ports: WorkPorts, ask: Ask): Promise<Outcome> {
  using seat = await pool.acquire(ask.caller ?? "bench", undefined);
  return await seat.run({
    tool: 0,
    input: ask.input ?? empty,
    rawInput: ask.raw ?? false,
    rawOutput: ask.raw ?? false,
    deadlineMs: ask.deadlineMs ?? 30_000,
    fuel: ask.fuel ?? 1e10,
    ports,
    signal: undefined,
  });
}

const empty = Buffer.from("null");

async function nothing() {
  return { json: Buffer.from("{}"), blocks: [] };
}
