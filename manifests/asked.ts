import { type FilesGrant, filesGranted } from "./capabilities/files.ts";
import { type KvGrant, kvGranted } from "./capabilities/kv.ts";
import { type NetworkGrant, networkGranted, networkWords } from "./capabilities/network.ts";
import type { SecretGrant } from "./capabilities/secrets.ts";
import { refuseGrants } from "./capabilities/terms.ts";
import { toolsGranted } from "./capabilities/tools.ts";
import { placeCovers } from "./cover.ts";
import type { HostError } from "./errors.ts";
import type { Grants } from "./grants.ts";
import type { PluginId } from "./names.ts";
import { quote } from "./quote.ts";
import { bytesText } from "./units.ts";
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
 * Returns the grants when the manifest asks for all that they allow: what nobody asked for is a mistake.
 *
 * A grant may be narrower than what is asked, never wider: hosts, methods, paths, quotas, access.
 *
 * @throws GRANTS_INVALID
 */
export function checkAsked(grants: Grants, uses: Uses): Grants {
  if (grants.kv !== null) checkKv(grants.kv, uses);
  for (const [index, grant] of grants.network.entries())
    checkNetwork(grant, uses, `network[${index}]`);
  for (const [index, grant] of grants.secrets.entries())
    checkSecret(grant, uses, `secrets[${index}]`);
  for (const [index, grant] of grants.files.entries()) checkFiles(grant, uses, `files[${index}]`);
  for (const [index, { alias, plugin, tools }] of grants.tools.entries()) {
    const ask = uses.tools.find((tool) => tool.alias === alias && tool.plugin === plugin);
    const other = tools.find((tool) => !ask?.tools.includes(tool));
    if (other !== undefined)
      throw unasked(`tools[${index}]`, `${quote(other)} of ${quote(plugin)}`);
  }
  return grants;
}

function unasked(path: string, found: string): HostError {
  return refuseGrants(path, `is not asked for by the plugin: ${found}`);
}

function checkKv({ quotaBytes }: KvGrant, { kv }: Uses): void {
  if (kv === null) throw unasked("kv", "a key-value store");
  checkQuota(quotaBytes, kv.quotaBytes, "kv");
}

function checkNetwork(grant: NetworkGrant, { network }: Uses, path: string): void {
  const around = network.filter((ask) => placeCovers(ask, grant));
  const other = grant.methods.find((each) => !around.some((ask) => ask.methods.includes(each)));
  if (other === undefined && isPlainPath(grant.path)) return;
  const place = { ...grant, methods: other === undefined ? grant.methods : [other] };
  throw unasked(path, networkWords(place));
}

/** A path that is read in two ways may lead out of the prefix that it begins with. */
function isPlainPath(path: string): boolean {
  return !/(?:^|\/)\.{1,2}(?:\/|$)|%(?:2e|2f|5c)|[\\?#]/i.test(path);
}

function checkSecret({ name, mode }: SecretGrant, { secrets }: Uses, path: string): void {
  const ask = secrets.find((each) => each.name === name);
  if (ask === undefined) throw unasked(`${path}.name`, quote(name));
  const asked = ask.inject === null ? "reveal" : "inject";
  if (mode !== asked) throw unasked(`${path}.mode`, `to ${mode} ${quote(name)}`);
}

function checkFiles(grant: FilesGrant, { files }: Uses, path: string): void {
  const { name, access, quotaBytes } = grant;
  const ask = files.find((each) => each.name === name);
  if (ask === undefined || (access === "write" && ask.access === "read"))
    throw unasked(`${path}.name`, `to ${access} ${quote(name)}`);
  checkQuota(quotaBytes, ask.quotaBytes, path);
}

/** @throws GRANTS_INVALID */
function checkQuota(quotaBytes: number, askedBytes: number, path: string): void {
  if (quotaBytes <= askedBytes) return;
  const problem = `must be at most the ${bytesText(askedBytes)} that are asked for`;
  throw refuseGrants(`${path}.quota`, `${problem}, found ${bytesText(quotaBytes)}`);
}
