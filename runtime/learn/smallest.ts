import type { FilesGrant } from "#manifests/capabilities/files.ts";
import type { Method, NetworkGrant } from "#manifests/capabilities/network.ts";
import type { SecretGrant } from "#manifests/capabilities/secrets.ts";
import type { ToolsGrant } from "#manifests/capabilities/tools.ts";
import type { Grants } from "#manifests/grants.ts";

/** Something that a plugin did under a grant, as the audit has it. */
export interface Effect {
  readonly capability: string;
  readonly act: string;
  /** In the form that grants are written in: `GET https://a.example:443/x`, `cache:/a.txt`, … */
  readonly target: string;
}

/**
 * Returns the smallest grants that cover what a plugin did, never more than it had.
 *
 * Quotas stay as they were: a first call says nothing about how much will gather. A path is the
 * longest folder that all requests to one host share: one page that was read stands for
 * its neighbours, because a grant for each page that was tried would be of no use to the next call.
 *
 * @param had      what it was allowed
 * @param effects  what it did, in any order
 * @param reads    whether an act changes nothing
 */
export function smallestGrants(
  had: Grants,
  effects: readonly Effect[],
  reads: (act: string) => boolean,
): Grants {
  const of = (capability: string) => effects.filter((each) => each.capability === capability);
  return {
    network: networkUsed(had.network, of("network")),
    secrets: had.secrets.filter(isNamedIn(of("secrets"))),
    files: had.files.flatMap((grant) => filesUsed(grant, of("files"), reads)),
    kv: of("kv").length === 0 ? null : had.kv,
    tools: had.tools.flatMap((grant) => toolsUsed(grant, of("tools"))),
  };
}

/** A request that was sent, by its parts. */
interface Sent {
  readonly method: Method;
  readonly url: URL;
}

function networkUsed(had: readonly NetworkGrant[], effects: readonly Effect[]): NetworkGrant[] {
  const sent = effects.flatMap(({ target }) => parseSent(target));
  const byOrigin = Map.groupBy(sent, ({ url }) => url.origin);
  return [...byOrigin.values()].flatMap((requests) => {
    const [first] = requests;
    if (first === undefined) return [];
    const { url } = first;
    // The grant under which the first of them went has what the others must not lose.
    const under = had.find((grant) => grant.methods.includes(first.method) && reaches(grant, url));
    if (under === undefined) return [];
    const methods = [...new Set(requests.map(({ method }) => method))];
    const path = sharedFolder(requests.map((request) => request.url.pathname));
    const isWider = !path.startsWith(under.path);
    return [{ ...under, host: url.hostname, methods, path: isWider ? under.path : path }];
  });
}

function parseSent(target: string): Sent[] {
  const [method = "", address = ""] = target.split(" ", 2);
  const url = URL.parse(address);
  return url === null ? [] : [{ method: method as Method, url }];
}

function reaches({ scheme, host, port }: NetworkGrant, url: URL): boolean {
  const isPort = (url.port === "" ? defaultPort(url.protocol) : Number(url.port)) === port;
  const isHost =
    host === "*" ||
    host === url.hostname ||
    (host[0] === "*" && url.hostname.endsWith(host.slice(1)));
  return `${scheme}:` === url.protocol && isPort && isHost;
}

function defaultPort(protocol: string): number {
  return protocol === "https:" || protocol === "wss:" ? 443 : 80;
}

/** Returns the longest folder that all paths lie in: `/core/v1/` of `/core/v1/a` and `/core/v1/b/c`. */
export function sharedFolder(paths: readonly string[]): string {
  const [first = "/", ...rest] = paths.map((path) => path.split("/").slice(0, -1));
  const shared = rest.reduce(
    (all, path) => all.slice(0, firstDifference(all, path)),
    first as readonly string[],
  );
  return `${shared.join("/")}/`;
}

function firstDifference(a: readonly string[], b: readonly string[]): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index < 0 ? a.length : index;
}

function isNamedIn(effects: readonly Effect[]): (grant: SecretGrant) => boolean {
  const names = new Set(effects.map(({ target }) => target.split(" ", 1)[0]));
  return ({ name }) => names.has(name);
}

function filesUsed(
  grant: FilesGrant,
  effects: readonly Effect[],
  reads: (act: string) => boolean,
): FilesGrant[] {
  const own = effects.filter(({ target }) => target.startsWith(`${grant.name}:`));
  if (own.length === 0) return [];
  const access = own.every(({ act }) => reads(act)) ? "read" : grant.access;
  return [{ ...grant, access }];
}

function toolsUsed(grant: ToolsGrant, effects: readonly Effect[]): ToolsGrant[] {
  const used = effects.map(({ target }) => target.split("/", 2));
  const own = used.filter(([alias]) => alias === grant.alias);
  if (own.length === 0) return [];
  // An alias alone stands for the only tool behind it.
  const tools = grant.tools.filter((tool) => own.some(([, name = tool]) => name === tool));
  return [{ ...grant, tools }];
}
