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
  /** Of a value that ends the moment, in milliseconds since 1970. */
  get(
    space: KvSpace,
    key: string,
  ): { readonly value: Uint8Array; readonly expiresAt: number | null } | undefined;
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
/** What a value must be for a change to be made. */
const condition = {
  ifValue: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description: "The text that must be there now, or null for nothing",
    }),
  ),
  ifBlock: Type.Optional(
    Type.Literal(true, { description: "The last block is the bytes that must be there now" }),
  ),
};
const write = Type.Object(
  {
    key: keySchema,
    value: Type.Optional(Type.String({ description: "The first block when left out" })),
    ttl: Type.Optional(
      Type.Integer({ minimum: 1, maximum: ttlSecondsMax, description: "Seconds" }),
    ),
    ...condition,
  },
  closed,
);
const erase = Type.Object({ key: keySchema, ...condition }, closed);
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
    about:
      "Gives the value of a key, or null, and until when it is kept; bytes that are no text come as " +
      "the first block.",
    response: Type.Object({
      value: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      expires: Type.Optional(Type.String({ description: "A moment in UTC" })),
    }),
    import: "extism:host/user.kv_get",
    act: "kv_get",
    reads: true,
    request: keyed,
    async effect(asker, { key }: Static<typeof keyed>, _, __, grant) {
      const found = store.get(spaceOf(asker, grant), key);
      if (found === undefined) return { value: { value: null } };
      const { value, expiresAt } = found;
      const until = expiresAt === null ? {} : { expires: new Date(expiresAt).toISOString() };
      const text = utf8(value);
      if (text === undefined) return { value: until, blocks: [value] };
      return { value: { value: text, ...until } };
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
      const { key, ttl } = request;
      const space = spaceOf(asker, grant);
      const value = bytesOf(request, message);
      const expected = expectedOf(request, message, request.value === undefined ? 1 : 0);
      const terms = {
        quotaBytes: grant.quotaBytes,
        ...(ttl !== undefined && { ttlMs: ttl * 1000 }),
      };
      if (expected === undefined) {
        await store.set(space, key, value, terms);
        return { value: { set: true } };
      }
      const swap = { expected, next: value };
      return { value: { set: await store.compareAndSwap(space, key, swap, terms) } };
    },
  });
}

function deleteOf(store: KvStore): HostFunction {
  return hostFunction({
    ...writing,
    about:
      "Deletes a key, or not if the value is not the one that was expected; says whether it did.",
    response: Type.Object({ deleted: Type.Boolean() }),
    import: "extism:host/user.kv_delete",
    act: "kv_delete",
    request: erase,
    async effect(asker, request: Static<typeof erase>, message, _, grant) {
      const { key } = request;
      const space = spaceOf(asker, grant);
      const expected = expectedOf(request, message, 0);
      if (expected === undefined) return { value: { deleted: await store.delete(space, key) } };
      const terms = { quotaBytes: grant.quotaBytes };
      // That nothing is there is no reason to delete it.
      const isThere = expected !== null;
      const swap = { expected, next: null };
      const deleted = isThere && (await store.compareAndSwap(space, key, swap, terms));
      return { value: { deleted } };
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

/**
 * Returns what must be there for a change to be made: null for nothing, undefined for anything.
 *
 * @param at  index of the block that holds it
 * @throws HOST_REQUEST_INVALID
 */
function expectedOf(
  { ifValue, ifBlock }: { readonly ifValue?: string | null; readonly ifBlock?: true },
  { blocks }: Message,
  at: number,
): Uint8Array | null | undefined {
  if (ifBlock === undefined) return typeof ifValue === "string" ? Buffer.from(ifValue) : ifValue;
  const block = blocks[at];
  if (block !== undefined && ifValue === undefined) return block;
  const problem = ifValue === undefined ? "must come with a block" : "must not stand with ifValue";
  throw new HostError("HOST_REQUEST_INVALID", { path: "ifBlock", problem });
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // Not text: it travels as a block.
  }
}
