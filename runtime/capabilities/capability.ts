import type { TSchema } from "typebox";
import type { Binding, Grants } from "#manifests/grants.ts";
import { HostError } from "#manifests/errors.ts";
import type { PluginId } from "#manifests/names.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import type { Uses } from "#manifests/uses.ts";

/** On whose behalf a guest asks: the host's own knowledge of the call, never the guest's word. */
export interface Asker {
  readonly plugin: PluginId;
  /** Whose data it may reach: the same id of another signer has none of it. */
  readonly binding: Binding;
  readonly callId: string;
  /** Owner of the key that began the outermost call. */
  readonly owner: string;
  /** Read anew for every question, so that a revoked grant ends at once. */
  readonly grants: () => Grants;
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

/** Returns when what is named is granted, and audits the decision. @throws CAPABILITY_DENIED */
export type Check = (target: string) => void;

/** One function that guests may import. It reaches its effect only through `guard`. */
export interface HostFunction {
  /** Import module and name, with a dot between. */
  readonly import: string;
  readonly capability: string;
  /** Whether asking twice is as good as asking once. */
  readonly reads: boolean;
  /** Whether each use gets a record of its own; counted with the call otherwise. */
  readonly request: TSchema;
  /** The word for people and audit: `kv_set`. */
  readonly act: string;
  /** Returns what a request names, in the form that grants are written in. */
  target(request: never): string;
  /** Returns whether the grants cover a target. Pure. */
  covers(grants: Grants, target: string): boolean;
  /** Does it; `check` must pass for every further target (a redirect, a link). */
  effect(asker: Asker, request: never, message: Message, check: Check): Promise<EffectAnswer>;
}

/** A kind of request that a plugin may be granted; everything about it stands in its one file. */
export interface Capability {
  readonly name: string;
  readonly functions: readonly HostFunction[];
  /** One line for each thing that a manifest asks for: our words, and the author's reason. */
  asks(uses: Uses): readonly { readonly words: string; readonly reason: string }[];
}

/** Where every decision is written, before its effect. @throws AUDIT_FAILED */
export type Record = (entry: {
  readonly asker: Asker;
  readonly capability: string;
  readonly act: string;
  readonly target: string;
  readonly allowed: boolean;
}) => void;

/** A host function as the sandbox is given it. Never rejects: a refusal is an answer to the guest. */
export type Guarded = (asker: Asker, message: Message) => Promise<Message>;

/**
 * Returns the only callable form of a host function: check, then audit, then effect.
 *
 * The request of the guest is untrusted: at most 1 MiB of strict JSON that fits the schema. The check
 * travels into the effect. The guest gets a code and a sentence, and never what others may do.
 */
export function guard(
  one: HostFunction,
  fits: (value: unknown) => unknown,
  record: Record,
): Guarded {
  const { capability, act } = one;
  return async (asker, message) => {
    const check: Check = (target) => {
      const allowed = one.covers(asker.grants(), target);
      record({ asker, capability, act, target, allowed });
      if (!allowed) throw new HostError("CAPABILITY_DENIED", { verb: act, plugin: asker.plugin });
    };
    try {
      // Also of null, which has no members.
      const { blocks: _, ...value } = Object(parseStrictJson(message.json));
      const request = fits(value) as never;
      check(one.target(request));
      const answer = await one.effect(asker, request, message, check);
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

function refusal(error: unknown): Message {
  const known = error instanceof HostError ? error : new HostError("INTERNAL", {});
  const { code, message } = known;
  return { json: Buffer.from(JSON.stringify({ error: { code, message } })), blocks: [] };
}
