import { filesGranted } from "./capabilities/files.ts";
import { kvGranted } from "./capabilities/kv.ts";
import { networkGranted } from "./capabilities/network.ts";
import { toolsGranted } from "./capabilities/tools.ts";
import { HostError } from "./errors.ts";
import type { Grants } from "./grants.ts";
import type { PluginId } from "./names.ts";
import { quote } from "./quote.ts";
import type { Uses } from "./uses.ts";

/**
 * Returns the grants that give a plugin all that it asks for.
 *
 * Secrets are not among them: the operator maps each to one of their own.
 *
 * @param signerOf  who signed an installed plugin, or `unsigned`; null when it is not installed
 */
export function grantsAsked(uses: Uses, signerOf: (plugin: PluginId) => string | null): Grants {
  return {
    network: uses.network.map(networkGranted),
    secrets: [],
    files: uses.files.map(filesGranted),
    kv: uses.kv === null ? null : kvGranted(uses.kv),
    tools: uses.tools.flatMap((ask) => {
      const signer = signerOf(ask.plugin);
      return signer === null ? [] : [toolsGranted(ask, signer)];
    }),
  };
}

/**
 * Returns the grants when the manifest asks for each of them: what nobody asked for is a mistake.
 *
 * @throws GRANTS_INVALID
 */
export function checkAsked(grants: Grants, uses: Uses): Grants {
  const refuse = (path: string, found: string): HostError =>
    new HostError("GRANTS_INVALID", { path, problem: `is not asked for by the plugin: ${found}` });
  if (grants.kv !== null && uses.kv === null) throw refuse("kv", "a key-value store");
  for (const [index, { name }] of grants.secrets.entries())
    if (!uses.secrets.some((ask) => ask.name === name))
      throw refuse(`secrets[${index}].name`, quote(name));
  for (const [index, { name, access }] of grants.files.entries())
    if (
      !uses.files.some((ask) => ask.name === name && (access === "read" || ask.access === access))
    )
      throw refuse(`files[${index}].name`, `to ${access} ${quote(name)}`);
  for (const [index, { alias, plugin, tools }] of grants.tools.entries()) {
    const ask = uses.tools.find((tool) => tool.alias === alias && tool.plugin === plugin);
    const other = tools.find((tool) => !ask?.tools.includes(tool));
    if (other !== undefined) throw refuse(`tools[${index}]`, `${quote(other)} of ${quote(plugin)}`);
  }
  return grants;
}
