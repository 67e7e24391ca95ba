import { type BoundGrants, nothingGranted } from "#manifests/grants.ts";
import { manifestOfRaw } from "#manifests/manifest.ts";
import { type Digest, parseDigest, parsePluginId, parseVersion } from "#manifests/names.ts";
import type { Activation } from "#runtime/store/plugins.ts";
import { bindingOf, type VersionRecord } from "#runtime/store/records.ts";

/** Returns a digest of nothing: 64 times one hexadecimal digit. */
export function digest(digit: string): Digest {
  return parseDigest(`sha256:${digit.repeat(64)}`);
}

/** Returns a version of an unsigned plugin with everything that a test does not care about. */
export function version(id: string, own: Partial<VersionRecord> = {}): VersionRecord {
  const plugin = parsePluginId(id);
  const manifest = manifestOfRaw(plugin, ["count"]);
  return {
    plugin,
    digest: digest("a"),
    version: parseVersion("1.0.0"),
    manifest,
    files: { "manifest.json": digest("1"), "plugin.wasm": digest("2") },
    source: { kind: "folder", from: "./plugins/one" },
    signer: { kind: "unsigned" },
    wasmDigest: digest("2"),
    meteredDigest: digest("3"),
    passVersion: 1,
    prepared: { exports: ["count"], initial: [1, 2] },
    installedAt: 1_000,
    ...own,
  };
}

/** Returns the activation of a version whose grants were given to it. */
export function activation(of: VersionRecord, own: Partial<Activation> = {}): Activation {
  const grants: BoundGrants = {
    ...bindingOf(of),
    grants: {
      ...nothingGranted,
      kv: { per: "plugin", via: "any", expires: null, uses: null, quotaBytes: 9 },
    },
    digest: of.digest,
    grantedAt: "2027-01-01T00:00:00Z",
    grantedBy: "owner",
  };
  return {
    version: of,
    grants,
    config: { units: "metric" },
    state: "enabled",
    reason: null,
    ...own,
  };
}
