import Type, { type Static } from "typebox";
import { closed, duration, type Refuse, size } from "./document.ts";
import { HostError } from "./errors.ts";
import { bytesText, durationText, parseBytes, parseDuration } from "./units.ts";

/** What a call of a plugin may take; the settings `defaults` and `ceilings` have this form. */
export interface PluginLimits {
  /** Guest memory, kernel included. */
  readonly memoryBytes: number;
  /** From the moment a call leaves the queue. */
  readonly timeoutMs: number;
  /** Units of about one instruction. */
  readonly fuel: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly logBytes: number;
  readonly hostCalls: number;
}

/** The schema of the limits of a manifest. */
export const limitsSchema = closed({
  memory: Type.Optional(size("Guest memory, kernel included")),
  timeout: Type.Optional(duration("From the moment a call leaves the queue")),
  fuel: Type.Optional(Type.Integer({ minimum: 1, maximum: 1e15, description: "Instructions" })),
  input: Type.Optional(size("Bytes of an input")),
  output: Type.Optional(size("Bytes of an output")),
  log: Type.Optional(size("Bytes that one call may log")),
  hostCalls: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e9 })),
});

/** The name of a limit in manifests and settings, its name here, and how its values are written. */
const names = [
  ["memory", "memoryBytes", bytesText],
  ["timeout", "timeoutMs", durationText],
  ["fuel", "fuel", String],
  ["input", "inputBytes", bytesText],
  ["output", "outputBytes", bytesText],
  ["log", "logBytes", bytesText],
  ["hostCalls", "hostCalls", String],
] as const;

/** WebAssembly counts memory in pages; a guest with less than one could hold nothing. */
const memoryBytesMin = 65_536;
/** The most that 32-bit addresses reach. */
const memoryBytesMax = 2 ** 32;

/**
 * Returns the limits that a manifest names, as numbers.
 *
 * @param written  fits `limitsSchema`; untrusted
 * @param refuse   makes the error for a place and a problem
 */
export function limitsAsked(
  written: Static<typeof limitsSchema>,
  refuse: Refuse,
): Partial<PluginLimits> {
  const { memory, timeout, fuel, input, output, log, hostCalls } = written;
  const memoryBytes = memory === undefined ? undefined : parseBytes(memory);
  if (memoryBytes !== undefined && (memoryBytes < memoryBytesMin || memoryBytes > memoryBytesMax))
    throw refuse("limits.memory", `must be from 64KiB to 4GiB, found "${memory}"`);
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeoutMs === 0) throw refuse("limits.timeout", `must be at least 1ms, found "${timeout}"`);
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(fuel !== undefined && { fuel }),
    ...(input !== undefined && { inputBytes: parseBytes(input) }),
    ...(output !== undefined && { outputBytes: parseBytes(output) }),
    ...(log !== undefined && { logBytes: parseBytes(log) }),
    ...(hostCalls !== undefined && { hostCalls }),
  };
}

/**
 * Returns the limits that hold: what the manifest asks for, else the host's defaults.
 *
 * An ask above a ceiling is refused rather than lowered: the author said that the plugin needs it.
 *
 * @param asked  from `Manifest.limits`
 * @throws LIMIT_ABOVE_CEILING
 */
export function checkLimits(
  asked: Partial<PluginLimits>,
  host: { readonly defaults: PluginLimits; readonly ceilings: PluginLimits },
): PluginLimits {
  for (const [limit, name, text] of names) {
    const value = asked[name] ?? 0;
    const ceiling = host.ceilings[name];
    if (value > ceiling)
      throw new HostError("LIMIT_ABOVE_CEILING", {
        limit,
        asked: text(value),
        ceiling: text(ceiling),
      });
  }
  return { ...host.defaults, ...asked };
}
