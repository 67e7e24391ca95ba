import type { Ask } from "#manifests/capabilities/terms.ts";
import { createCheck } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";
import type { Uses } from "#manifests/uses.ts";
import type { Capability, FunctionFacts, Guarded, GuardPorts } from "./capability.ts";

/** All capabilities of a host, and what is derived from them. */
export interface CapabilityTable {
  /** Import module → names: what a module may import besides the environment and WASI. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** Returns the guarded function behind an import `module.name`. */
  functionOf(name: string): Guarded | undefined;
  /** Whether a function changes nothing, so that a call that used no other may be tried again. */
  reads(name: string): boolean;
  /** What a manifest asks for, a line each. @throws CAPABILITY_UNKNOWN */
  asks(uses: Uses): readonly (Ask & { readonly capability: string })[];
  /** All functions, for the reference page and the kits of the languages. */
  readonly functions: readonly FunctionFacts[];
}

/** Returns the table of these capabilities, each function behind its guard. */
export function createTable(
  capabilities: readonly Capability[],
  ports: GuardPorts,
): CapabilityTable {
  const functions = capabilities.flatMap((capability) => capability.functions);
  const guarded = new Map(
    functions.map((one) => [one.import, one.guarded(createCheck(one.request, invalid), ports)]),
  );
  const names = functions.map((one) => {
    const dot = one.import.lastIndexOf(".");
    return [one.import.slice(0, dot), one.import.slice(dot + 1)] as const;
  });
  const byModule = Map.groupBy(names, ([module]) => module);
  const reading = new Set(functions.filter(({ reads }) => reads).map((one) => one.import));
  return {
    functions,
    imports: Object.fromEntries(
      [...byModule].map(([module, entries]) => [module, entries.map(([, name]) => name)]),
    ),
    functionOf: (name) => guarded.get(name),
    reads: (name) => reading.has(name),
    asks(uses) {
      // What cannot be enforced is refused when it is loaded, never silently ignored.
      const unknown = Object.entries(uses).find(
        ([name, asked]) => isAsked(asked) && !capabilities.some((one) => one.name === name),
      );
      if (unknown) throw new HostError("CAPABILITY_UNKNOWN", { capability: unknown[0] });
      return capabilities.flatMap(({ name, asks }) =>
        asks(uses).map((ask) => ({ capability: name, ...ask })),
      );
    },
  };
}

function isAsked(asked: unknown): boolean {
  return Array.isArray(asked) ? asked.length > 0 : asked !== null;
}

function invalid({ path, problem }: { path: string; problem: string }): HostError {
  return new HostError("HOST_REQUEST_INVALID", { path, problem });
}
