import Type, { type Static } from "typebox";
import { HostError } from "#manifests/errors.ts";
import type { Grants } from "#manifests/grants.ts";
import { bytesText } from "#manifests/units.ts";
import type { Capability, HostFunction } from "./capability.ts";

/** Where keys and values are kept: a namespace for each plugin, or for each owner of keys in it. */
export interface KvStore {
  get(plugin: string, owner: string, key: string): Uint8Array | undefined;
  /** @throws KV_FULL, KV_CONFLICT */
  set(plugin: string, owner: string, key: string, value: Uint8Array, options: KvWrite): void;
  delete(plugin: string, owner: string, key: string): boolean;
  list(plugin: string, owner: string, page: KvPage): readonly string[];
}

/** How a value is written. */
export interface KvWrite {
  readonly quotaBytes: number;
  /** Seconds until it is gone. */
  readonly ttlSeconds?: number;
  /** The value that must be there now, null for none; anything will do when left out. */
  readonly ifValue?: Uint8Array | null;
}

/** A part of the keys, in order. */
export interface KvPage {
  readonly prefix: string;
  /** The last key of the page before. */
  readonly after: string;
  readonly limit: number;
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

/**
 * The plugin's own keys and values, with a quota.
 *
 * Text travels in `value`, bytes in the first of `blocks`; a value that is not UTF-8 comes back as a
 * block.
 */
export function createKv(store: KvStore): Capability {
  const common = {
    capability: "kv",
    target: () => "own",
    covers: (grants: Grants) => grants.kv !== null,
  };
  const functions: HostFunction[] = [
    {
      ...common,
      import: "extism:host/user.kv_get",
      act: "kv_get",
      reads: true,
      request: keyed,
      async effect(asker, request: Static<typeof keyed>) {
        const found = store.get(asker.plugin, ownerOf(asker), request.key);
        if (found === undefined) return { value: { value: null } };
        const text = utf8(found);
        return text === undefined ? { value: {}, blocks: [found] } : { value: { value: text } };
      },
    },
    {
      ...common,
      import: "extism:host/user.kv_set",
      act: "kv_set",
      reads: false,
      request: write,
      async effect(asker, request: Static<typeof write>, message) {
        const value = request.value === undefined ? message.blocks[0] : Buffer.from(request.value);
        if (value === undefined) throw invalid("value", "must be given, or a block");
        const { key, ttl, ifValue } = request;
        store.set(asker.plugin, ownerOf(asker), key, value, {
          quotaBytes: asker.grants().kv?.quotaBytes ?? 0,
          ...(ttl !== undefined && { ttlSeconds: ttl }),
          ...(ifValue !== undefined && { ifValue: ifValue === null ? null : Buffer.from(ifValue) }),
        });
        return { value: {} };
      },
    },
    {
      ...common,
      import: "extism:host/user.kv_delete",
      act: "kv_delete",
      reads: false,
      request: keyed,
      async effect(asker, request: Static<typeof keyed>) {
        return { value: { deleted: store.delete(asker.plugin, ownerOf(asker), request.key) } };
      },
    },
    {
      ...common,
      import: "extism:host/user.kv_list",
      act: "kv_list",
      reads: true,
      request: page,
      async effect(asker, request: Static<typeof page>) {
        const { prefix = "", after = "", limit = pageMax } = request;
        const keys = store.list(asker.plugin, ownerOf(asker), { prefix, after, limit });
        return { value: { keys } };
      },
    },
  ];
  return {
    name: "kv",
    functions,
    asks: ({ kv }) =>
      kv === null
        ? []
        : [
            {
              words: `keep values of its own, up to ${bytesText(kv.quotaBytes)}`,
              reason: kv.reason,
            },
          ],
  };
}

/** A grant `per: caller` separates what the owners of keys keep. */
function ownerOf(asker: { readonly owner: string; readonly grants: () => Grants }): string {
  return asker.grants().kv?.per === "caller" ? asker.owner : "";
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // Not text: it travels as a block.
  }
}

function invalid(path: string, problem: string): HostError {
  return new HostError("HOST_REQUEST_INVALID", { path, problem });
}
