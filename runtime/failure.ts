import { type ErrorCode, HostError } from "#manifests/errors.ts";
import type { Active } from "./installed.ts";

/** The failures that a runner may tell of; anything else that it says is a fault of the host. */
const told = [
  "INPUT_INVALID",
  "OUTPUT_INVALID",
  "OUTPUT_TOO_LARGE",
  "SCHEMA_TOO_COSTLY",
  "PLUGIN_ERROR",
  "PLUGIN_TRAPPED",
  "INIT_FAILED",
  "FUEL_EXHAUSTED",
  "DEADLINE_EXCEEDED",
  "MEMORY_EXHAUSTED",
  "HOST_CALLS_EXHAUSTED",
  "VARS_FULL",
  "GUEST_POINTER_INVALID",
  "CALL_CANCELLED",
  "CAPABILITY_DENIED",
  "HTTP_REQUEST_FAILED",
  "RUNNER_DIED",
] as const satisfies readonly ErrorCode[];

/** Longest failure that is read: a code, and a few facts of at most 4,096 characters each. */
const payloadBytesMax = 256 * 1024;
/** Longest text of a guest in an error. */
const textMax = 4_096;

/**
 * Returns the error that a failed call ends with.
 *
 * @param payload JSON `{code, facts}` as the runner told it; untrusted
 */
export function failureOf(plugin: Active, limitMs: number, payload: Uint8Array): HostError {
  const { code, facts } = parsed(payload);
  const known = told.find((each) => each === code);
  if (known === undefined) return new HostError("INTERNAL", {});
  const own = { plugin: plugin.version.plugin, limitMs: Math.round(limitMs), verb: "do that" };
  // The table says which facts a sentence has; those that it does not name are not read.
  return new HostError(known, { ...bounded(facts), ...own } as never);
}

function parsed(payload: Uint8Array): { code: string; facts: object } {
  if (payload.length > payloadBytesMax) return { code: "", facts: {} };
  try {
    const { code, facts } = JSON.parse(Buffer.from(payload).toString()) as {
      code: unknown;
      facts: unknown;
    };
    return { code: textOf(code), facts: typeof facts === "object" && facts !== null ? facts : {} };
  } catch {
    return { code: "", facts: {} }; // A runner that writes no JSON is told of as a fault.
  }
}

const factNames = ["tool", "path", "expected", "found", "message", "limit", "what"] as const;

/** Every fact as bounded text, all there: a sentence with a hole would say `undefined`. */
function bounded(facts: object): Record<string, string> {
  const said = facts as Readonly<Record<string, unknown>>;
  return Object.fromEntries(factNames.map((name) => [name, textOf(said[name])]));
}

/** Not `String`: an object may bring a `toString` that is no function. */
function textOf(fact: unknown): string {
  if (typeof fact === "number") return String(fact);
  return typeof fact === "string" ? fact.slice(0, textMax) : "?";
}
