import { HostError } from "#manifests/errors.ts";
import { envFunctions, envModule, userModule, wasiFunctions, wasiModule } from "#plugin-sdk/abi.ts";
import { Fleet, type FleetOptions } from "#runtime/sandbox/fleet.ts";
import type { Exchange, GuestLimits, ToolPlan } from "#runtime/sandbox/messages.ts";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { type LoadedGuest, Pool, type PoolLimits } from "#runtime/sandbox/pool.ts";
import { wat } from "./wat.ts";

const pageBytes = 65_536;

/** A guest for a sandbox without a host around it. */
export interface SandboxGuest {
  readonly id: string;
  /** WebAssembly text, or the bytes themselves. */
  readonly module: string | Uint8Array;
  readonly instances?: LoadedGuest["instances"];
  readonly limits?: Partial<GuestLimits>;
  readonly pool?: Partial<PoolLimits>;
  /** Every export that takes and gives nothing is a raw tool when they are left out. */
  readonly tools?: readonly ToolPlan[];
  /** What functions of `extism:host/user` answer, by name. */
  readonly functions?: Readonly<Record<string, (asked: Exchange) => Promise<Exchange>>>;
  readonly config?: Readonly<Record<string, string>>;
}

/** How a call is to be made. */
export interface CallOptions {
  readonly input?: unknown;
  readonly caller?: string;
  readonly deadlineMs?: number;
  readonly fuel?: number;
  readonly signal?: AbortSignal;
}

/** How a call ended: a code, `"ok"` when it was answered, with the output or the guest's message. */
export interface Called {
  readonly code: string;
  readonly value: unknown;
  readonly fuel: number;
  readonly hostCalls: number;
  readonly memoryBytes: number;
}

/** One guest in a pool of its own. */
export interface TestGuestPool {
  readonly pool: Pool;
  /** Lines that it logged. */
  readonly lines: readonly string[];
  /** Calls an export. Never rejects. */
  call(tool: string, options?: CallOptions): Promise<Called>;
}

/** Real runner processes, and guests in them: what a host has, without homes, keys and audit. */
export interface TestSandbox extends Disposable {
  readonly fleet: Fleet;
  load(guest: SandboxGuest): Promise<TestGuestPool>;
}

/** Starts a sandbox in which all guests share one runner, unless it is said otherwise. */
export function openSandbox(own: Partial<FleetOptions> = {}): TestSandbox {
  const bounds = { runnersMax: 8, idleMs: 60_000, residentBytesMax: 4 * 1024 ** 3 };
  const fleet = new Fleet({ ...bounds, heapMiB: 1_024, share: true, ...own });
  const numbers = { last: 0, next: () => (numbers.last += 1) };
  const pools: Pool[] = [];
  fleet.onEnd((runner) => {
    for (const pool of pools) pool.lost(runner);
  });
  return {
    fleet,
    async load(guest) {
      const made = await poolOf(guest, fleet, numbers);
      pools.push(made.pool);
      return made;
    },
    [Symbol.dispose]: () => fleet[Symbol.dispose](),
  };
}

async function poolOf(
  guest: SandboxGuest,
  fleet: Fleet,
  numbers: { next(): number },
): Promise<TestGuestPool> {
  const { functions = {}, module: source } = guest;
  const bytes = typeof source === "string" ? await wat(source) : source;
  const limits: GuestLimits = {
    memoryBytes: 64 * 1024 ** 2,
    outputBytes: 8 * 1024 ** 2,
    logBytes: 64 * 1024,
    hostCalls: 10_000,
    ...guest.limits,
  };
  const { metered, ...prepared } = prepare(bytes, {
    memoryPagesMax: Math.floor(limits.memoryBytes / pageBytes) - 1,
    admits: (module, name) => admits(Object.keys(functions), module, name),
  });
  const callable = prepared.exports.filter(
    ({ kind, params, results }) => kind === "function" && params.length + results.length === 0,
  );
  const raw = callable.map(({ name }) => ({ name, export: name, encoding: "raw" as const }));
  const tools = guest.tools ?? raw;
  const pool = new Pool(
    {
      module: numbers.next(),
      plugin: guest.id,
      binding: () => guest.id,
      plan: {
        ...{ plugin: guest.id, version: "1.0.0", tools, limits },
        config: guest.config ?? {},
        functions: Object.keys(functions).map((name) => `${userModule}.${name}`),
        memoryPagesMin: prepared.memoryPagesMin,
        exports: prepared.exports.filter(({ kind }) => kind === "function"),
        folders: [],
        logLevel: 2,
      },
      metered: async () => metered,
      instances: guest.instances ?? "fresh",
    },
    fleet,
    {
      ...{ runningMax: 64, liveMax: 5_000, instancesMax: 6_000 },
      ...{ queuedMax: 10_000, callerQueuedMax: 5_000, queueMs: 5_000 },
      ...guest.pool,
    },
    numbers,
  );
  const lines: string[] = [];
  const answers = Object.values(functions);
  return { pool, lines, call: (tool, options) => called(pool, lines, answers, tool, options) };
}

function admits(functions: readonly string[], module: string, name: string): boolean {
  if (module === envModule) return Object.hasOwn(envFunctions, name);
  if (module === wasiModule) return wasiFunctions.includes(name);
  return module === userModule && functions.includes(name);
}

async function called(
  pool: Pool,
  lines: string[],
  answers: readonly ((asked: Exchange) => Promise<Exchange>)[],
  tool: string,
  options: CallOptions = {},
): Promise<Called> {
  const { input = "", caller = "ada", deadlineMs = 5_000, fuel = 1e12, signal } = options;
  const index = pool.guest.plan.tools.findIndex(({ name }) => name === tool);
  if (index < 0) throw new TypeError(`there is no tool ${tool}`);
  try {
    using seat = await pool.acquire(caller, signal);
    const outcome = await seat.run({
      ...{ tool: index, rawInput: false, rawOutput: false, deadlineMs, fuel, signal },
      input: Buffer.from(JSON.stringify(input)),
      ports: {
        ask: (number, asked) => answers[number]?.(asked) ?? Promise.reject(new TypeError("none")),
        log: (_, text) => void lines.push(text),
      },
    });
    const said = JSON.parse(outcome.payload.toString());
    const { hostCalls, memoryBytes, ok } = outcome;
    const counts = { fuel: outcome.fuel, hostCalls, memoryBytes };
    if (ok) return { code: "ok", value: said, ...counts };
    return { code: said.code, value: said.facts.message, ...counts };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { code: error.code, value: error.message, fuel: 0, hostCalls: 0, memoryBytes: 0 };
  }
}
