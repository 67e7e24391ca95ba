import type { PluginView } from "./host.ts";
import type { Installed } from "./installed.ts";
import type { VersionRecord } from "./store/records.ts";

/** Returns the version of a plugin that answers now. */
export function activeVersion({ plugin, versions }: Installed): VersionRecord {
  return versions.find(({ digest }) => digest === plugin.activeDigest) as VersionRecord;
}

/** Returns the signer's name, or `unsigned`. */
export function signerName(signer: VersionRecord["signer"]): string {
  return signer.kind === "project" ? signer.identity : signer.kind;
}

/** Returns a plugin as people and programs see it. */
export function toView(installed: Installed): PluginView {
  const { plugin, versions } = installed;
  const active = activeVersion(installed);
  const { manifest } = active;
  return {
    id: plugin.id,
    version: active.version,
    digest: active.digest,
    name: manifest.name,
    description: manifest.description,
    state: plugin.state === "enabled" ? "active" : plugin.state,
    reason: plugin.reason,
    signer: signerName(active.signer),
    source: active.source.from,
    instances: manifest.instances,
    installedAt: new Date(active.installedAt).toISOString(),
    versions: versions.map(({ version }) => version),
    tools: manifest.provides.tools.map(({ name, description, input, output, encoding }) => ({
      name,
      description,
      input,
      output,
      encoding: encoding === "raw" ? "text" : encoding,
    })),
  };
}
