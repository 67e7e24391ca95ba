import type { TSchema } from "typebox";
import type { Ask, Terms } from "#manifests/capabilities/terms.ts";
import { HostError } from "#manifests/errors.ts";
import type { Binding, Grants } from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import type { Uses } from "#manifests/uses.ts";

/** On whose behalf a guest asks: the host's own knowledge of the call, never the guest's word. */
export interface Asker {
  readonly plugin: PluginId;
  /** Whose data it may reach: the same id of another signer has none of it. */
  readonly binding: Binding;
  /** What the manifest of the version that runs asks for. */
  readonly uses: Uses;
  readonly callId: string;
  /** The outermost call: what calls that are made of each other share is kept by it. */
  readonly outermost: object;
  /** Owner of the key that began the outermost call. */
  readonly owner: string;
  /** Ids of the plugins through which the call came, outermost first; empty for a direct one. */
  readonly chain: readonly string[];
  /** Whether the tool that runs says that it only reads, and is held to that. */
  readonly readOnly: boolean;
  /** What holds in this call. Asked anew each time, so that a revoked grant ends at once. */
  readonly grants: () => Grants;
  /** Fires when the call is over, however it ended: nothing may go on on its behalf. */
  readonly signal: AbortSignal;
  /** End of the call, in milliseconds of the monotonic clock. */
  readonly deadlineAt: number;
}

/** What travels with a question or an answer: JSON, and bytes too many for it. */
export interface Message {
  readonly json: Uint8Array;
  readonly blocks: readonly Uint8Array[];
}

/** What an effect gives back: a value for `ok`, or its JSON text, and blocks of bytes. */
export type EffectAnswer = ({ readonly value: unknown } | { readonly json: Uint8Array }) & {
  readonly blocks?: readonly Uint8Array[];
};

/** Decides about a target. */
export interface Check<Target, Grant extends Terms = Terms> {
  /** Returns the grant that covers a target, and audits the decision. @throws CAPABILITY_DENIED */
  (target: Target): Grant;
  /** To be awaited before the effect: resolves when the uses of grants are on disk. */
  booked(): Promise<void>;
}

/** What everybody may know of a function that guests import. */
export interface FunctionFacts {
  /** Import module and name, with a dot between. */
  readonly import: string;
  readonly capability: string;
  /** The word for people and audit: `kv_set`. */
  readonly act: string;
  /** What it does, in one sentence for authors. */
  readonly about: string;
  /** Whether asking twice is as good as asking once. */
  readonly reads: boolean;
  readonly request: TSchema;
  /** What stands behind `ok`. */
  readonly response: TSchema;
}

/** One function that guests may import, with targets of its own form. */
export interface FunctionOf<Target, Grant extends Terms = Terms> extends FunctionFacts {
  /** Returns what a request names. @throws HOST_REQUEST_INVALID */
  target(request: never, asker: Asker): Target;
  /** Returns the grant that covers a target, if any. Pure, and quick: it is asked at every use. */
  grantFor(grants: Grants, target: Target, asker: Asker): Grant | undefined;
  /** The target for people and audit, in the form that grants are written in; never a secret. */
  text(target: Target): string;
  /**
   * Does it; `check` must pass for every further target (a redirect, a link).
   *
   * What the grant says is read from `grant`: its last use may be the one that is made of it here, and
   * `asker.grants()` has it no more.
   */
  effect(
    asker: Asker,
    request: never,
    message: Message,
    check: Check<Target, Grant>,
    grant: Grant,
  ): Promise<EffectAnswer>;
}

/** One function that guests may import. It reaches its effect only through its guard. */
export interface HostFunction extends FunctionFacts {
  /** @param fits  returns the request when it fits the schema. @throws HOST_REQUEST_INVALID */
  guarded(fits: (value: unknown) => unknown, ports: GuardPorts): Guarded;
}

/** A kind of request that a plugin may be granted; everything about it stands in its one file. */
export interface Capability {
  readonly name: string;
  readonly functions: readonly HostFunction[];
  /** One line for each thing that a manifest asks for. */
  asks(uses: Uses): readonly Ask[];
}

/** What surrounds every host function. */
export interface GuardPorts {
  /** Writes a decision, before its effect. @throws AUDIT_FAILED, STORAGE_FULL */
  readonly record: (entry: Decision) => void;
  /**
   * Books one use of a grant that is given for a number of uses, at once in memory; the promise
   * resolves when it is on disk. @throws CAPABILITY_DENIED when none is left
   */
  readonly use: (asker: Asker, capability: string, grant: Terms) => Promise<void>;
}

/** What was decided about one question of a guest. */
export interface Decision {
  readonly asker: Asker;
  readonly capability: string;
  readonly act: string;
  readonly target: string;
  readonly allowed: boolean;
}

/** A host function as the sandbox is given it. Never rejects: a refusal is an answer to the guest. */
export type Guarded = (asker: Asker, message: Message) => Promise<Message>;

/** Returns a function with its targets known to nobody but itself. */
export function hostFunction<Target, Grant extends Terms = Terms>(
  one: FunctionOf<Target, Grant>,
): HostFunction {
  const { target, grantFor, text, effect, ...facts } = one;
  return { ...facts, guarded: (fits, ports) => guard(one, fits, ports) };
}

/**
 * Returns the only callable form of a host function: check, then audit, then effect.
 *
 * The request of the guest is untrusted: at most 1 MiB of strict JSON that fits the schema. The check
 * travels into the effect. The guest gets a code and a sentence, and never what others may do.
 */
export function guard<Target, Grant extends Terms = Terms>(
  one: FunctionOf<Target, Grant>,
  fits: (value: unknown) => unknown,
  { record, use }: GuardPorts,
): Guarded {
  const { capability, act } = one;
  return async (asker, message) => {
    const uses: { booked?: Promise<void> } = {};
    const decide = (target: Target): Grant => {
      const grant = one.grantFor(asker.grants(), target, asker);
      record({ asker, capability, act, target: one.text(target), allowed: grant !== undefined });
      if (grant === undefined)
        throw new HostError("CAPABILITY_DENIED", { verb: act, plugin: asker.plugin });
      if (grant.uses !== null) {
        uses.booked = use(asker, capability, grant);
        // Whoever goes on waits for it; an effect may end before, and then nobody hears it.
        uses.booked.catch(() => {});
      }
      return grant;
    };
    const booked = async (): Promise<void> => uses.booked;
    const check: Check<Target, Grant> = Object.assign(decide, { booked });
    try {
      // Also of null, which has no members.
      const { blocks: _, ...value } = Object(parseStrictJson(message.json));
      const request = fits(value) as never;
      const grant = check(one.target(request, asker));
      // A use that a crash could give back would be one too many.
      if (uses.booked !== undefined) await uses.booked;
      const answer = await one.effect(asker, request, message, check, grant);
      return { json: okOf(answer), blocks: answer.blocks ?? [] };
    } catch (error) {
      return refusal(error);
    }
  };
}

function okOf(answer: EffectAnswer): Uint8Array {
  if ("value" in answer) return Buffer.from(JSON.stringify({ ok: answer.value ?? null }));
  return Buffer.concat([Buffer.from('{"ok":'), answer.json, Buffer.from("}")]);
}

/** Returns how a guest is told of a failure: by code and sentence, and nothing more. */
export function refusal(error: unknown): Message {
  const known = error instanceof HostError ? error : new HostError("INTERNAL", {});
  const { code, message } = known;
  return { json: Buffer.from(JSON.stringify({ error: { code, message } })), blocks: [] };
}
