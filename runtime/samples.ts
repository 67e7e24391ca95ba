import { isDeepStrictEqual } from "node:util";
import { HostError } from "#manifests/errors.ts";
import type { Tool } from "#manifests/manifest.ts";
import { describe, quote } from "#manifests/quote.ts";
import { type Exchange, type Sample, sampleBytesMax } from "#manifests/samples.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import type { Clock } from "./clock.ts";
import { failureOf } from "./failure.ts";
import type { Active } from "./installed.ts";
import { toPlan } from "./loader.ts";
import type { ToolPlan } from "./sandbox/messages.ts";
import type { Outcome, WorkPorts } from "./sandbox/runner.ts";

/** How long the sample calls of one version may take together, in milliseconds. */
const allMs = 30_000;
/** Differences that a refusal names, and where one lies in its depths. */
const differencesMax = 5;
const depthMax = 16;

/** A version with its samples, loaded where nobody else is. */
export interface SampleRun {
  readonly clock: Clock;
  /** Loads the version with other settings, and tools that answer to the schemas of samples. */
  readonly load: (config: Sample["config"], moreTools: readonly ToolPlan[]) => Promise<Active>;
  /** Lets one go that was loaded. */
  readonly retire: (active: Active) => void;
  /** Of the manifest; each sample names one of them. */
  readonly tools: readonly Tool[];
  readonly samples: readonly Sample[];
}

/**
 * Runs the sample calls that an author ships, each in an instance of its own, on recorded answers of the
 * host: nothing that they ask for happens.
 *
 * @throws SAMPLE_FAILED with what differs, INIT_FAILED, RUNNER_DIED
 */
export async function runSamples(run: SampleRun): Promise<void> {
  const until = run.clock.monotonic() + allMs;
  // Settings are part of a loaded module: samples with the same share one.
  const groups = Map.groupBy(run.samples, ({ config }) => JSON.stringify(config));
  for (const samples of groups.values()) {
    const active = await run.load(samples[0]?.config ?? {}, matchTools(run.tools, samples));
    try {
      let matches = 0;
      for (const sample of samples) {
        const leftMs = until - run.clock.monotonic();
        if (leftMs <= 0) throw failed(active, sample, `all samples together took ${allMs} ms`);
        const isMatch = sample.expected.kind === "match";
        const tool = isMatch ? active.hooks.size + active.tools.size + matches++ : undefined;
        await runSample(active, sample, { tool, leftMs });
      }
    } finally {
      run.retire(active);
    }
  }
}

/**
 * The tools of samples that have a schema, with it in the place of the tool's own: the runner checks
 * it, within the bounds that author-written schemas have.
 */
function matchTools(tools: readonly Tool[], samples: readonly Sample[]): readonly ToolPlan[] {
  return samples.flatMap(({ file, tool: name, expected }) => {
    const tool = tools.find((each) => each.name === name);
    if (expected.kind !== "match" || tool === undefined) return [];
    return [{ ...toPlan(tool), name: file, output: expected.schema }];
  });
}

interface Run {
  /** Place in the plan of the tool that answers to the sample's schema. */
  readonly tool: number | undefined;
  readonly leftMs: number;
}

async function runSample(active: Active, sample: Sample, { tool, leftMs }: Run): Promise<void> {
  const own = active.tools.get(sample.tool);
  const deadlineMs = Math.min(active.limits.timeoutMs, leftMs);
  const replay = new Replay(active, sample.host);
  using seat = await active.pool.apart();
  const outcome = await seat.run({
    tool: tool ?? own?.index ?? 0,
    input: Buffer.from(JSON.stringify(sample.input)),
    rawInput: false,
    rawOutput: false,
    deadlineMs,
    fuel: active.limits.fuel,
    ports: { ask: replay.ask, log: () => {} },
    signal: undefined,
  });
  const difference = replay.fault ?? differenceOf(active, sample, { outcome, deadlineMs });
  if (difference !== undefined) throw failed(active, sample, difference);
}

function failed({ version }: Active, { file, tool }: Sample, difference: string): HostError {
  const { plugin } = version;
  return new HostError("SAMPLE_FAILED", { plugin, sample: quote(file), tool, difference });
}

/** The host as a sample recorded it: each answer once, in the order of the questions. */
class Replay {
  readonly #active: Active;
  readonly #exchanges: readonly Exchange[];
  #next = 0;
  #fault: string | undefined;

  constructor(active: Active, exchanges: readonly Exchange[]) {
    this.#active = active;
    this.#exchanges = exchanges;
  }

  /** What was asked otherwise than recorded; undefined when all was. */
  get fault(): string | undefined {
    const left = this.#exchanges[this.#next];
    if (this.#fault !== undefined || left === undefined) return this.#fault;
    return `it did not ask ${left.function} as number ${this.#next + 1}`;
  }

  readonly ask: WorkPorts["ask"] = async (number, { json }) => {
    const name = this.#active.functions[number]?.name.replace(/^.*\./, "") ?? "";
    const exchange = this.#exchanges[this.#next];
    const asked = `${name} as number ${this.#next + 1}`;
    if (exchange?.function !== name) return this.#refuse(`it asked ${asked}`);
    if (Object.hasOwn(exchange, "request")) {
      const found = differences(exchange.request, requestIn(json));
      if (found.length > 0) return this.#refuse(`it asked ${asked}: ${found.join("; ")}`);
    }
    this.#next += 1;
    const blocks = (exchange.blocks ?? []).map((text) => Buffer.from(text, "base64"));
    return { json: Buffer.from(JSON.stringify(exchange.answer)), blocks };
  };

  #refuse(fault: string) {
    this.#fault ??= `${fault}, which the sample does not record`;
    const error = { code: "NOT_RECORDED", message: "the sample call records no such question" };
    return { json: Buffer.from(JSON.stringify({ error })), blocks: [] };
  }
}

/** A request without the handles of its blocks, which are no two times the same. */
function requestIn(json: Uint8Array): unknown {
  try {
    const value = parseStrictJson(json);
    if (typeof value !== "object" || value === null) return value;
    const { blocks: _, ...request } = value as Record<string, unknown>;
    return request;
  } catch {
    return "what is no JSON"; // Differs from whatever was recorded.
  }
}

interface Ended {
  readonly outcome: Outcome;
  readonly deadlineMs: number;
}

/** Returns how an outcome differs from what a sample expects; undefined when it does not. */
function differenceOf(
  active: Active,
  { expected }: Sample,
  { outcome, deadlineMs }: Ended,
): string | undefined {
  const failure = outcome.ok ? undefined : failureOf(active, deadlineMs, outcome.payload);
  if (expected.kind === "error") {
    if (failure?.code === expected.code) return undefined;
    return `expected ${expected.code}, found ${failure?.code ?? "an output"}`;
  }
  if (failure) return `expected an output, found ${failure.code}: ${quote(failure.message, 300)}`;
  if (expected.kind === "match") return undefined;
  const output = outputIn(outcome.payload);
  if (output.fault !== undefined) return output.fault;
  return differences(expected.output, output.value).join("; ") || undefined;
}

function outputIn(payload: Uint8Array): { readonly value?: unknown; readonly fault?: string } {
  try {
    return { value: parseStrictJson(payload, { bytesMax: 2 * sampleBytesMax, depthMax: 128 }) };
  } catch (error) {
    return {
      fault: `its output cannot be compared: ${error instanceof Error ? error.message : ""}`,
    };
  }
}

/**
 * Returns where two JSON values differ, in a few short sentences; nothing when they are equal.
 *
 * @param found  untrusted, as the expected one is
 */
export function differences(expected: unknown, found: unknown): readonly string[] {
  const said: string[] = [];
  compare(expected, found, "$", said);
  return said;
}

function compare(expected: unknown, found: unknown, path: string, said: string[]): void {
  if (said.length >= differencesMax || isDeepStrictEqual(expected, found)) return;
  const keys = sharedShape(expected, found);
  if (keys === undefined || path.split(/[.[]/).length > depthMax) {
    said.push(`${path} expected ${describe(expected)}, found ${describe(found)}`);
    return;
  }
  for (const key of keys) {
    const step = Array.isArray(expected) ? `[${key}]` : `.${quote(key, 40).slice(1, -1)}`;
    compare(valueIn(expected, key), valueIn(found, key), path + step, said);
  }
}

/** The keys of two objects or two arrays; undefined for values that have none in common. */
function sharedShape(a: unknown, b: unknown): readonly string[] | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return undefined;
  if (Array.isArray(a) !== Array.isArray(b)) return undefined;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

function valueIn(value: unknown, key: string): unknown {
  return Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : undefined;
}
