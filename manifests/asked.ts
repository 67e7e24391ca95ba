import type { Grants, Terms } from "./grants.ts";
import { HostError } from "./errors.ts";
import type { PluginId } from "./names.ts";
import { quote } from "./quote.ts";
import type { Uses } from "./uses.ts";

/** What a grant says when the operator only said yes. */
const plain = { per: "plugin", expires: null } as const;
/** Reads may be reached through other plugins; what writes or proves who one is may not. */
const any: Terms = { ...plain, via: "any" };
const direct: Terms = { ...plain, via: "direct" };

/**
 * Returns the grants that give a plugin all that it asks for.
 *
 * Secrets are not among them: the operator maps each to one of their own.
 *
 * @param signerOf  who signed an installed plugin, or `unsigned`; null when it is not installed
 */
export function grantsAsked(uses: Uses, signerOf: (plugin: PluginId) => string | null): Grants {
  const isReading = (method: string): boolean => ["GET", "HEAD", "OPTIONS"].includes(method);
  return {
    network: uses.network.map(({ reason, ...ask }) => ({
      ...ask,
      ...(ask.methods.every(isReading) ? any : direct),
    })),
    secrets: [],
    files: uses.files.map(({ reason, ...ask }) => ({
      ...ask,
      folder: null,
      ...(ask.access === "read" ? any : direct),
    })),
    kv: uses.kv === null ? null : { quotaBytes: uses.kv.quotaBytes, ...any },
    tools: uses.tools.flatMap(({ reason, range, ...ask }) => {
      const signer = signerOf(ask.plugin);
      return signer === null ? [] : [{ ...ask, signer, ...any }];
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
