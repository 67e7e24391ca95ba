import { networkWords } from "#manifests/capabilities/network.ts";
import type { Terms, Via } from "#manifests/capabilities/terms.ts";
import { placeCovers } from "#manifests/cover.ts";
import type { Grants } from "#manifests/grants.ts";
import { quote } from "#manifests/quote.ts";
import { bytesWords } from "#manifests/units.ts";
import type { Uses } from "#manifests/uses.ts";

/** One grant, with the name of its capability. */
export type Granted = {
  [Name in keyof Grants]: {
    readonly capability: Name;
    readonly grant: Grants[Name] extends readonly (infer Grant)[]
      ? Grant
      : NonNullable<Grants[Name]>;
  };
}[keyof Grants];

/** Returns each grant with the name of its capability. */
export function eachGrant({ network, secrets, files, kv, tools }: Grants): readonly Granted[] {
  return [
    ...network.map((grant) => ({ capability: "network", grant }) as const),
    ...secrets.map((grant) => ({ capability: "secrets", grant }) as const),
    ...files.map((grant) => ({ capability: "files", grant }) as const),
    ...(kv === null ? [] : [{ capability: "kv", grant: kv } as const]),
    ...tools.map((grant) => ({ capability: "tools", grant }) as const),
  ];
}

/** Returns some grants as a whole again. */
export function grantsFrom(each: readonly Granted[]): Grants {
  return {
    network: each.flatMap((one) => (one.capability === "network" ? [one.grant] : [])),
    secrets: each.flatMap((one) => (one.capability === "secrets" ? [one.grant] : [])),
    files: each.flatMap((one) => (one.capability === "files" ? [one.grant] : [])),
    kv: each.flatMap((one) => (one.capability === "kv" ? [one.grant] : []))[0] ?? null,
    tools: each.flatMap((one) => (one.capability === "tools" ? [one.grant] : [])),
  };
}

/** Returns what a grant allows, for operators; the names in it are theirs or fit a grammar. */
export function grantWords({ capability, grant }: Granted): string {
  switch (capability) {
    case "network":
      return networkWords(grant);
    case "secrets":
      return grant.mode === "reveal"
        ? `see the secret ${grant.secret} as ${grant.name}`
        : `send the secret ${grant.secret} as ${grant.name}; the plugin never sees it`;
    case "files": {
      const where = grant.folder === null ? "a folder of its own" : quote(grant.folder, 300);
      const verb = grant.access === "write" ? "keep files in" : "read files in";
      return `${verb} ${where} as "${grant.name}", up to ${bytesWords(grant.quotaBytes)}`;
    }
    case "kv":
      return `keep values of its own, up to ${bytesWords(grant.quotaBytes)}`;
    case "tools":
      return `call ${grant.tools.join(", ")} of ${grant.plugin}, signed by ${grant.signer}`;
  }
}

/** Returns under which conditions a grant holds, one a part; none for those that always do. */
export function termsWords({ per, via, expires, uses }: Terms, used: number): readonly string[] {
  return [
    ...(via === "any" ? [] : [viaWords(via)]),
    ...(per === "caller" ? ["apart for each caller"] : []),
    ...(expires === null ? [] : [`until ${expires}`]),
    ...(uses === null ? [] : [`${Math.max(0, uses - used)} of ${uses} uses left`]),
  ];
}

function viaWords(via: Exclude<Via, "any">): string {
  return via === "direct" ? "in direct calls only" : `directly or through ${via.join(", ")} only`;
}

/**
 * Returns the place in a manifest under which a grant lies: `network[0]`, `files.cache`, `kv`; undefined
 * when the manifest does not ask for it.
 */
export function entryOf(uses: Uses, { capability, grant }: Granted): string | undefined {
  switch (capability) {
    case "network": {
      const shares = (methods: readonly string[]): boolean =>
        grant.methods.some((method) => methods.includes(method));
      const at = uses.network.findIndex((ask) => placeCovers(ask, grant) && shares(ask.methods));
      return at < 0 ? undefined : `network[${at}]`;
    }
    case "secrets":
    case "files": {
      const isThere = uses[capability].some(({ name }) => name === grant.name);
      return isThere ? `${capability}.${grant.name}` : undefined;
    }
    case "kv":
      return uses.kv === null ? undefined : "kv";
    case "tools": {
      const isThere = uses.tools.some(({ alias }) => alias === grant.alias);
      return isThere ? `tools.${grant.alias}` : undefined;
    }
  }
}
