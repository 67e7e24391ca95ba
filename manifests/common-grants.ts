import { isDeepStrictEqual } from "node:util";
import type { FilesGrant } from "./capabilities/files.ts";
import type { KvGrant } from "./capabilities/kv.ts";
import type { Budget, NetworkGrant } from "./capabilities/network.ts";
import type { Terms, Via } from "./capabilities/terms.ts";
import type { ToolsGrant } from "./capabilities/tools.ts";
import { narrowedTo } from "./cover.ts";
import type { Grants } from "./grants.ts";

/**
 * Returns what two sets of grants both allow, in the terms of the first where they differ in kind only:
 * never more than either.
 *
 * What is counted, by a number of uses or a budget a day, is kept only as it stands in the first: a
 * copy with another scope would be counted anew.
 *
 * @param now   what is granted
 * @param then  what was granted once
 */
export function grantsInCommon(now: Grants, then: Grants): Grants {
  const pairs = <Grant extends Terms>(
    own: readonly Grant[],
    others: readonly Grant[],
    common: (a: Grant, b: Grant) => Grant | undefined,
  ): Grant[] => {
    const found = own.flatMap((a) => others.flatMap((b) => countedOnce(a, common(a, b)) ?? []));
    return found.filter(
      (grant, index) => found.findIndex((each) => isDeepStrictEqual(each, grant)) === index,
    );
  };
  return {
    network: pairs(now.network, then.network, network),
    secrets: pairs(now.secrets, then.secrets, (a, b) => {
      const isSame = a.name === b.name && a.secret === b.secret && a.mode === b.mode;
      return isSame ? withTerms(a, b, {}) : undefined;
    }),
    files: pairs(now.files, then.files, files),
    kv: pairs(listOf(now.kv), listOf(then.kv), kv)[0] ?? null,
    tools: pairs(now.tools, then.tools, tools),
  };
}

function listOf(kv: KvGrant | null): readonly KvGrant[] {
  return kv === null ? [] : [kv];
}

/** What a counted grant and another have in common is that grant itself, or nothing. */
function countedOnce<Grant extends Terms>(
  own: Grant,
  common: Grant | undefined,
): Grant | undefined {
  if (common === undefined) return undefined;
  const isSame = isDeepStrictEqual(own, { ...common, expires: own.expires });
  if (isSame) return common;
  const isCounted = common.uses !== null || ("perDay" in common && isBounded(common.perDay));
  return isCounted ? undefined : common;
}

function isBounded(budget: unknown): boolean {
  return Object.values(budget as Budget).some((bound) => bound !== null);
}

function network(a: NetworkGrant, b: NetworkGrant): NetworkGrant | undefined {
  const place = narrowedTo(a, b);
  if (place === undefined) return undefined;
  return withTerms(place, b, {
    addresses: a.addresses.filter((range) => b.addresses.includes(range)),
    perCall: least(a.perCall, b.perCall),
    perDay: least(a.perDay, b.perDay),
  });
}

function files(a: FilesGrant, b: FilesGrant): FilesGrant | undefined {
  if (a.name !== b.name || a.folder !== b.folder) return undefined;
  return withTerms(a, b, {
    access: a.access === "write" && b.access === "write" ? "write" : "read",
    quotaBytes: Math.min(a.quotaBytes, b.quotaBytes),
    entriesMax: Math.min(a.entriesMax, b.entriesMax),
  });
}

function kv(a: KvGrant, b: KvGrant): KvGrant | undefined {
  return withTerms(a, b, { quotaBytes: Math.min(a.quotaBytes, b.quotaBytes) });
}

function tools(a: ToolsGrant, b: ToolsGrant): ToolsGrant | undefined {
  const names = a.tools.filter((tool) => b.tools.includes(tool));
  const isSame = a.alias === b.alias && a.plugin === b.plugin && a.signer === b.signer;
  return isSame && names.length > 0 ? withTerms(a, b, { tools: names }) : undefined;
}

/** The first with some of it changed, and the terms that both have. */
function withTerms<Grant extends Terms>(
  a: Grant,
  b: Terms,
  change: Partial<Grant>,
): Grant | undefined {
  // What callers share and what each has for itself are different things.
  if (a.per !== b.per) return undefined;
  const via = commonVia(a.via, b.via);
  if (via === undefined) return undefined;
  const expires = earlier(a.expires, b.expires);
  return { ...a, ...change, via, expires, uses: lesser(a.uses, b.uses) };
}

function commonVia(a: Via, b: Via): Via | undefined {
  if (a === "any") return b;
  if (b === "any") return a;
  if (a === "direct" || b === "direct") return "direct";
  const both = a.filter((id) => b.includes(id));
  return both.length > 0 ? both : "direct";
}

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) <= Date.parse(b) ? a : b;
}

function lesser(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

function least(a: Budget, b: Budget): Budget {
  return {
    requests: lesser(a.requests, b.requests),
    bytes: lesser(a.bytes, b.bytes),
    ms: lesser(a.ms, b.ms),
  };
}
