import Type from "typebox";
import { plainTerms } from "#manifests/capabilities/terms.ts";
import { type Asker, type Capability, type FunctionOf, guard } from "./capability.ts";

/** What a plugin is told of the call that it answers needs of the host. */
export interface CallParts {
  /** Milliseconds of the monotonic clock. */
  readonly monotonic: () => number;
  /**
   * Returns the name under which a plugin knows the owner of the key that began the call: the same at
   * every call, another one for every other plugin.
   */
  readonly callerOf: (asker: Asker) => string;
}

/** Whom the plugin was not asked for: everybody may know this much of the call that they answer. */
const always = plainTerms("any");

/** The call that a plugin answers, as far as the plugin may know it. Nothing of it has to be granted. */
export function createCallInfo({ monotonic, callerOf }: CallParts): Capability {
  const info: FunctionOf<string> = {
    import: "extism:host/user.call_info",
    capability: "call",
    act: "call_info",
    about:
      "Gives the id of the call, an opaque name of its caller that is this plugin's alone, how deep the " +
      "call is nested and how many milliseconds are left of it.",
    reads: true,
    request: Type.Object({}, { additionalProperties: false }),
    response: Type.Object({
      callId: Type.String(),
      caller: Type.String(),
      depth: Type.Integer(),
      deadlineMs: Type.Integer(),
    }),
    target: () => "own",
    grantFor: () => always,
    text: (target) => target,
    async effect(asker) {
      const deadlineMs = Math.max(0, Math.floor(asker.deadlineAt - monotonic()));
      const { callId, chain } = asker;
      return { value: { callId, caller: callerOf(asker), depth: chain.length, deadlineMs } };
    },
  };
  const { target, grantFor, text, effect, ...facts } = info;
  return {
    name: "call",
    // Counted with the call, as clock and random are: a record of its own would say nothing.
    functions: [
      { ...facts, guarded: (fits, { use }) => guard(info, fits, { use, record: () => {} }) },
    ],
    asks: () => [],
  };
}
