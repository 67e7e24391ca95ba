import type { Binding, BoundGrants } from "#manifests/grants.ts";
import type { Manifest } from "#manifests/manifest.ts";
import type { Digest, PluginId, Version } from "#manifests/names.ts";

/** What an operator, or the host itself, decided about a plugin. */
export type PluginState = "enabled" | "disabled" | "stopped" | "quarantined";

/** Settings of one plugin, checked against its schema. */
export type Config = Readonly<Record<string, unknown>>;

/** An installed plugin. Times of all records are milliseconds since 1970. */
export interface PluginRecord {
  readonly id: PluginId;
  readonly state: PluginState;
  /** Why it is not enabled. */
  readonly reason: string | null;
  readonly activeDigest: Digest;
  /** The version that answered before, of the same signer and source. */
  readonly previousDigest: Digest | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a compiled module is, and by which rules it was metered. */
export interface ModuleRecord {
  readonly meteredDigest: Digest;
  readonly passVersion: number;
  /** What the runners must know of the module; JSON. */
  readonly prepared: unknown;
}

/** One version of a plugin that is in the store. */
export interface VersionRecord extends ModuleRecord {
  readonly plugin: PluginId;
  /** Of the package. */
  readonly digest: Digest;
  readonly version: Version;
  readonly manifest: Manifest;
  /** Every file of the package, by its path, with the digest of its bytes. */
  readonly files: Readonly<Record<string, Digest>>;
  readonly source: {
    readonly kind: "folder" | "package" | "wasm";
    /** For people: a path, or a file name. */
    readonly from: string;
  };
  readonly signer:
    | { readonly kind: "unsigned" }
    | { readonly kind: "project"; readonly identity: string };
  readonly wasmDigest: Digest;
  readonly installedAt: number;
}

/** A plugin with everything that belongs to it. */
export interface InstalledPlugin {
  readonly plugin: PluginRecord;
  /** In the order of their installs. */
  readonly versions: readonly VersionRecord[];
  readonly grants: BoundGrants | null;
  readonly config: Config;
}

/** A key; its secret is not kept. */
export interface KeyRecord {
  readonly id: string;
  /** SHA-256 of the secret. */
  readonly hash: string;
  readonly owner: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly ratePerMinute: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
}

/** Returns whose grants, settings and data a version may have: another signer's are not its own. */
export function bindingOf(version: Pick<VersionRecord, "plugin" | "signer">): Binding {
  const { plugin, signer } = version;
  // Folders, files and uploads are all "local": no registry vouches for their ids.
  return {
    plugin,
    source: "local",
    signer: signer.kind === "unsigned" ? signer.kind : signer.identity,
  };
}

/** Returns whether two bindings are the same plugin of the same signer and source. */
export function isSameBinding(a: Binding, b: Binding): boolean {
  return a.plugin === b.plugin && a.source === b.source && a.signer === b.signer;
}
