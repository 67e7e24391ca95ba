import Type, { type Static } from "typebox";
import { kvAsks } from "#manifests/capabilities/kv.ts";
import type { Terms } from "#manifests/capabilities/terms.ts";
import { HostError } from "#manifests/errors.ts";
import type { Binding, Grants } from "#manifests/grants.ts";
import {
  type Asker,
  type Capability,
  type HostFunction,
  hostFunction,
  type Message,
} from "./capability.ts";

/** Whose values they are: a plugin's, or those that it keeps for one owner of keys. */
export interface KvSpace extends Binding {
  /** Empty for values that all callers share. */
  readonly owner: string;
}

/** How a value is kept. */
export interface KvTerms {
  readonly quotaBytes: number;
  readonly ttlMs?: number;
}

/** Where keys and values are kept; every promise is durable when it resolves. */
export interface KvStore {
  get(space: KvSpace, key: string): { readonly value: Uint8Array } | undefined;
  /** @throws KV_FULL */
  set(space: KvSpace, key: string, value: Uint8Array, terms: KvTerms): Promise<void>;
  /** @throws KV_FULL */
  compareAndSwap(
    space: KvSpace,
    key: string,
    swap: { readonly expected: Uint8Array | null; readonly next: Uint8Array | null },
    terms: KvTerms,
  ): Promise<boolean>;
  delete(space: KvSpace, key: string): Promise<boolean>;
  list(
    space: KvSpace,
    prefix: string,
    limit: number,
    cursor: string | null,
  ): { readonly keys: readonly string[]; readonly cursor: string | null };
}

/** Keys a page: a guest that wants more asks again. */
const pageMax = 1_000;
const ttlSecondsMax = 10 * 365 * 86_400;

const keySchema = Type.String({ minLength: 1, maxLength: 512 });
const closed = { additionalProperties: false };
const keyed = Type.Object({ key: keySchema }, closed);
const write = Type.Object(
  {
    key: keySchema,
    value: Type.Optional(Type.String()),
    ttl: Type.Optional(Type.Integer({ minimum: 1, maximum: ttlSecondsMax })),
    ifValue: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  closed,
);
const page = Type.Object(
  {
    prefix: Type.Optional(Type.String({ maxLength: 512 })),
    after: Type.Optional(Type.String({ maxLength: 512 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageMax })),
  },
  closed,
);

const pageOf = Type.Object({
  keys: Type.Array(Type.String()),
  cursor: Type.Union([Type.String(), Type.Null()]),
});

const common = {
  capability: "kv",
  target: () => "own",
  grantFor: ({ kv }: Grants) => kv ?? undefined,
  text: (target: string) => target,
};
/** What keeps or deletes is denied to tools that say they only read. */
const writing = {
  ...common,
  reads: false,
  grantFor: ({ kv }: Grants, _: string, { readOnly }: Asker) =>
    kv === null || readOnly ? undefined : kv,
};

/**
 * The plugin's own keys and values, with a quota.
 *
 * Text travels in `value`, bytes in the first of `blocks`; a value that is not UTF-8 comes back as a
 * block.
 */
export function createKv(store: KvStore): Capability {
  return {
    name: "kv",
    functions: [getOf(store), setOf(store), deleteOf(store), listOf(store)],
    asks: ({ kv }) => kvAsks(kv),
  };
}

function getOf(store: KvStore): HostFunction {
  return hostFunction({
    ...common,
    about: "Gives the value of a key, or null; bytes that are no text come as the first block.",
    response: Type.Object({ value: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
    import: "extism:host/user.kv_get",
    act: "kv_get",
    reads: true,
    request: keyed,
    async effect(asker, { key }: Static<typeof keyed>, _, __, grant) {
      const found = store.get(spaceOf(asker, grant), key)?.value;
      if (found === undefined) return { value: { value: null } };
      const text = utf8(found);
      return text === undefined ? { value: {}, blocks: [found] } : { value: { value: text } };
    },
  });
}

function setOf(store: KvStore): HostFunction {
  return hostFunction({
    ...writing,
    about:
      "Keeps a value under a key, or not if the value of now is not the one that was expected.",
    response: Type.Object({ set: Type.Boolean() }),
    import: "extism:host/user.kv_set",
    act: "kv_set",
    request: write,
    async effect(asker, request: Static<typeof write>, message, _, grant) {
      const { key, ttl, ifValue } = request;
      const space = spaceOf(asker, grant);
      const value = bytesOf(request, message);
      const terms = {
        quotaBytes: grant.quotaBytes,
        ...(ttl !== undefined && { ttlMs: ttl * 1000 }),
      };
      if (ifValue === undefined) {
        await store.set(space, key, value, terms);
        return { value: { set: true } };
      }
      const swap = { expected: ifValue === null ? null : Buffer.from(ifValue), next: value };
      return { value: { set: await store.compareAndSwap(space, key, swap, terms) } };
    },
  });
}

function deleteOf(store: KvStore): HostFunction {
  return hostFunction({
    ...writing,
    about: "Deletes a key; says whether it was there.",
    response: Type.Object({ deleted: Type.Boolean() }),
    import: "extism:host/user.kv_delete",
    act: "kv_delete",
    request: keyed,
    async effect(asker, { key }: Static<typeof keyed>, _, __, grant) {
      return { value: { deleted: await store.delete(spaceOf(asker, grant), key) } };
    },
  });
}

function listOf(store: KvStore): HostFunction {
  return hostFunction({
    ...common,
    about: "Gives the keys with a prefix in their order, a page at a time.",
    response: pageOf,
    import: "extism:host/user.kv_list",
    act: "kv_list",
    reads: true,
    request: page,
    async effect(asker, request: Static<typeof page>, _, __, grant) {
      const { prefix = "", after = null, limit = pageMax } = request;
      return { value: store.list(spaceOf(asker, grant), prefix, limit, after) };
    },
  });
}

/** A grant `per: caller` separates what the owners of keys keep. */
function spaceOf({ binding, owner }: Asker, { per }: Terms): KvSpace {
  return { ...binding, owner: per === "caller" ? owner : "" };
}

/** @throws HOST_REQUEST_INVALID */
function bytesOf(request: Static<typeof write>, message: Message): Uint8Array {
  const value = request.value === undefined ? message.blocks[0] : Buffer.from(request.value);
  if (value !== undefined) return value;
  const problem = "must be given, or a block";
  throw new HostError("HOST_REQUEST_INVALID", { path: "value", problem });
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // Not text: it travels as a block.
  }
}
