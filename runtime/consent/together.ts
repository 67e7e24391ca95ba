import { hostWords } from "#manifests/capabilities/host-words.ts";
import type { Grants } from "#manifests/grants.ts";
import { quote } from "#manifests/quote.ts";
import type { Reached } from "./reach.ts";

/** Hosts named in one sentence. */
const hostsMax = 5;

/**
 * Returns what grants mean together: what can be read in one place and sent to another.
 *
 * Each is harmless alone, and nobody who reads a list sees that they are not.
 *
 * @param reached  what the plugin leads to by way of others
 */
export function togetherWords(grants: Grants, reached: readonly Reached[] = []): string[] {
  const ways = [
    { prefix: "", hosts: hostsOf(grants) },
    ...reached.map((each) => ({ prefix: `through ${each.plugin} `, hosts: hostsOf(each.grants) })),
  ].filter(({ hosts }) => hosts.length > 0);
  const read = [
    ...readWords(grants),
    ...reached.flatMap((each) =>
      each.grants.files.map(({ name }) => `read "${name}" of ${each.plugin} and send it to`),
    ),
  ];
  const said = ways.flatMap(({ prefix, hosts }) =>
    read.map((words) => `it can ${prefix}${words} ${hostsWords(hosts)}`),
  );
  return [...new Set(said)];
}

/** What a plugin can have that somebody else would want, each as the beginning of a sentence. */
function readWords({ files, kv, secrets }: Grants): string[] {
  const isKeeping = kv !== null || files.some((grant) => grant.folder === null);
  return [
    ...(isKeeping ? ["send what it keeps to"] : []),
    ...files.flatMap(({ folder }) =>
      folder === null ? [] : [`read ${quote(folder, 200)} and send it to`],
    ),
    ...secrets
      .filter(({ mode }) => mode === "reveal")
      .map(({ name }) => `send the value of ${name} to`),
  ];
}

function hostsOf({ network }: Grants): string[] {
  const hosts = [...new Set(network.map(({ host }) => host))];
  return hosts.includes("*") ? ["*"] : hosts;
}

function hostsWords(hosts: readonly string[]): string {
  if (hosts.includes("*")) return "any host";
  const shown = hosts.slice(0, hostsMax).map(hostWords).join(", ");
  const rest = hosts.length - hostsMax;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
