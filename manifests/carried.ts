import type { FilesAsk, FilesGrant } from "./capabilities/files.ts";
import type { NetworkAsk, NetworkGrant } from "./capabilities/network.ts";
import type { SecretAsk } from "./capabilities/secrets.ts";
import type { ToolsGrant } from "./capabilities/tools.ts";
import { hostCovers, methodsBeyond, narrowedTo } from "./cover.ts";
import type { Grants } from "./grants.ts";
import type { Uses } from "./uses.ts";

/** What one version of a plugin asks for beyond another. */
export interface Beyond {
  /** Only that; of an ask that grew in methods or tools, only those that came. */
  readonly uses: Uses;
  /** For each network ask of `uses`, its index in the manifest. */
  readonly networkAt: readonly number[];
}

/** Returns what a version asks for that the one before did not; a smaller ask is no more. */
export function asksBeyond(uses: Uses, before: Uses): Beyond {
  const network = uses.network
    .map((ask, at) => ({ at, ask: { ...ask, methods: methodsBeyond(ask, before.network) } }))
    .filter(({ ask }) => ask.methods.length > 0);
  return {
    uses: {
      network: network.map(({ ask }) => ask),
      secrets: uses.secrets.filter((ask) => !before.secrets.some((old) => isSecretIn(ask, old))),
      files: uses.files.filter((ask) => !before.files.some((old) => isFolderIn(ask, old))),
      kv: uses.kv !== null && uses.kv.quotaBytes > (before.kv?.quotaBytes ?? -1) ? uses.kv : null,
      tools: uses.tools.flatMap((ask) => {
        const known = before.tools
          .filter(({ alias, plugin }) => alias === ask.alias && plugin === ask.plugin)
          .flatMap(({ tools }) => tools);
        const tools = ask.tools.filter((tool) => !known.includes(tool));
        return tools.length === 0 ? [] : [{ ...ask, tools }];
      }),
    },
    networkAt: network.map(({ at }) => at),
  };
}

/**
 * Returns what an operator's decisions about one version mean for the next of the same signer.
 *
 * What was refused or narrowed stays so. Nothing here gives more than what is held, or more than the
 * new version asks for.
 *
 * @param held    what the version before was granted
 * @param before  what it asked for
 * @param uses    what the new version asks for
 */
export function carriedGrants(held: Grants, before: Uses, uses: Uses): Grants {
  return {
    network: held.network.flatMap((grant) => networkIn(grant, uses.network)),
    // Where a secret goes stands in the ask and not in the grant: it must not have grown.
    secrets: held.secrets.filter(({ name }) => {
      const [ask, old] = [uses, before].map((each) => each.secrets.find((s) => s.name === name));
      return ask !== undefined && old !== undefined && isSecretIn(ask, old);
    }),
    files: held.files.flatMap((grant) => filesIn(grant, uses.files)),
    kv:
      held.kv === null || uses.kv === null
        ? null
        : { ...held.kv, quotaBytes: Math.min(held.kv.quotaBytes, uses.kv.quotaBytes) },
    tools: held.tools.flatMap((grant) => toolsIn(grant, uses)),
  };
}

/**
 * Returns grants with more of them; an entry of the same name takes in what comes, and keeps the
 * folder and the terms under which it was granted.
 */
export function mergeGrants(grants: Grants, more: Grants): Grants {
  return {
    network: [...grants.network, ...more.network],
    secrets: merged(grants.secrets, more.secrets, (_, next) => next),
    files: merged(grants.files, more.files, (old, next) => ({
      ...next,
      folder: next.folder ?? old.folder,
      ...(old.access === next.access && { via: old.via }),
      per: old.per,
      expires: old.expires,
      uses: old.uses,
    })),
    kv:
      more.kv === null || grants.kv === null
        ? (more.kv ?? grants.kv)
        : { ...grants.kv, ...{ quotaBytes: more.kv.quotaBytes } },
    tools: [
      ...grants.tools.filter(({ alias }) => !more.tools.some((next) => next.alias === alias)),
      ...more.tools.map((next) => withTools(next, grants.tools)),
    ],
  };
}

function withTools(next: ToolsGrant, held: readonly ToolsGrant[]): ToolsGrant {
  const old = held.find(({ alias, plugin, signer }) => {
    return alias === next.alias && plugin === next.plugin && signer === next.signer;
  });
  if (old === undefined) return next;
  return { ...old, tools: [...new Set([...old.tools, ...next.tools])] };
}

function merged<Grant extends { readonly name: string }>(
  grants: readonly Grant[],
  more: readonly Grant[],
  merge: (old: Grant, next: Grant) => Grant,
): readonly Grant[] {
  const kept = grants.filter(({ name }) => !more.some((next) => next.name === name));
  const came = more.map((next) => {
    const old = grants.find(({ name }) => name === next.name);
    return old === undefined ? next : merge(old, next);
  });
  return [...kept, ...came];
}

function networkIn(grant: NetworkGrant, asks: readonly NetworkAsk[]): NetworkGrant[] {
  const rest = methodsBeyond(grant, asks);
  if (rest.length === 0) return [grant];
  const methods = grant.methods.filter((method) => !rest.includes(method));
  const pieces = [
    ...(methods.length > 0 ? [{ ...grant, methods }] : []),
    ...asks.flatMap((ask) => narrowedTo({ ...grant, methods: rest }, ask) ?? []),
  ];
  // Each piece would be counted for itself.
  return isCounted(grant) ? pieces.slice(0, 1) : pieces;
}

function isCounted({ uses, perCall, perDay }: NetworkGrant): boolean {
  const budgets = [...Object.values(perCall), ...Object.values(perDay)];
  return [uses, ...budgets].some((bound) => bound !== null);
}

function filesIn(grant: FilesGrant, asks: readonly FilesAsk[]): FilesGrant[] {
  const ask = asks.find(({ name }) => name === grant.name);
  if (ask === undefined) return [];
  const access = ask.access === "read" ? "read" : grant.access;
  return [{ ...grant, access, quotaBytes: Math.min(grant.quotaBytes, ask.quotaBytes) }];
}

function toolsIn(grant: ToolsGrant, { tools }: Uses): ToolsGrant[] {
  const ask = tools.find(({ alias, plugin }) => alias === grant.alias && plugin === grant.plugin);
  const kept = grant.tools.filter((tool) => ask?.tools.includes(tool));
  return kept.length === 0 ? [] : [{ ...grant, tools: kept }];
}

function isFolderIn(ask: FilesAsk, old: FilesAsk): boolean {
  const isAccessIn = ask.access === "read" || old.access === "write";
  return ask.name === old.name && isAccessIn && ask.quotaBytes <= old.quotaBytes;
}

function isSecretIn(ask: SecretAsk, old: SecretAsk): boolean {
  return (
    ask.name === old.name &&
    JSON.stringify(ask.inject) === JSON.stringify(old.inject) &&
    ask.hosts.every((host) => old.hosts.some((known) => hostCovers(known, host))) &&
    // Without hosts it may go wherever the plugin reaches.
    (ask.hosts.length > 0 || old.hosts.length === 0)
  );
}
