import { isDeepStrictEqual } from "node:util";
import type { FilesGrant } from "./capabilities/files.ts";
import type { Budget, NetworkGrant } from "./capabilities/network.ts";
import type { Terms, Via } from "./capabilities/terms.ts";
import { hostCovers, pathCovers, placeCovers } from "./cover.ts";
import type { Grants } from "./grants.ts";

/** What one edit does to the grants of a plugin. */
export type Change = "none" | "narrow" | "revoke" | "widen";

/** The kinds of grants that there are many of. */
type Lists = Omit<Grants, "kv">;

/**
 * Returns what it means to put some grants in the place of others.
 *
 * It is `widen` unless each new grant lies within a single old one: whatever is not plainly less has to
 * come from a person.
 */
export function changeOf(before: Grants, after: Grants): Change {
  if (isDeepStrictEqual(before, after)) return "none";
  if (beyond(before, after).length > 0) return "widen";
  return countOf(after) < countOf(before) ? "revoke" : "narrow";
}

/** Returns the new grants that lie within none of the old ones. */
export function beyond(before: Grants, after: Grants): readonly Terms[] {
  const more = names.flatMap((name) =>
    listOf(after, name).filter(
      (grant) => !listOf(before, name).some((old) => within[name](grant as never, old as never)),
    ),
  );
  const { kv } = after;
  if (kv === null) return more;
  const isIn =
    before.kv !== null && kv.quotaBytes <= before.kv.quotaBytes && termsWithin(kv, before.kv);
  return isIn ? more : [...more, kv];
}

/**
 * Returns the old grant that a new one replaces, if any: what was spent of it counts on. Of several it
 * is the first.
 */
export function predecessorOf(
  before: Grants,
  capability: keyof Grants,
  grant: Terms,
): Terms | undefined {
  if (capability === "kv") return before.kv ?? undefined;
  return listOf(before, capability).find((old) =>
    capability === "network"
      ? isSamePlace(old as NetworkGrant, grant as NetworkGrant)
      : nameOf(old) === nameOf(grant),
  );
}

const names = ["network", "secrets", "files", "tools"] as const;

const within: {
  [Name in keyof Lists]: (a: Lists[Name][number], b: Lists[Name][number]) => boolean;
} = {
  network: (grant, old) =>
    placeCovers(old, grant) &&
    isSubset(grant.methods, old.methods) &&
    isSubset(grant.addresses, old.addresses) &&
    budgetWithin(grant.perCall, old.perCall) &&
    budgetWithin(grant.perDay, old.perDay) &&
    termsWithin(grant, old),
  secrets: (grant, old) =>
    grant.name === old.name &&
    grant.secret === old.secret &&
    grant.mode === old.mode &&
    termsWithin(grant, old),
  files: (grant, old) => isFolderWithin(grant, old) && termsWithin(grant, old),
  tools: (grant, old) =>
    grant.alias === old.alias &&
    grant.plugin === old.plugin &&
    grant.signer === old.signer &&
    isSubset(grant.tools, old.tools) &&
    termsWithin(grant, old),
};

function isFolderWithin(grant: FilesGrant, old: FilesGrant): boolean {
  return (
    grant.name === old.name &&
    grant.folder === old.folder &&
    (grant.access === "read" || old.access === "write") &&
    grant.quotaBytes <= old.quotaBytes &&
    grant.entriesMax <= old.entriesMax
  );
}

function termsWithin(grant: Terms, old: Terms): boolean {
  return (
    grant.per === old.per &&
    viaWithin(grant.via, old.via) &&
    isAtMost(timeOf(grant.expires), timeOf(old.expires)) &&
    isAtMost(grant.uses, old.uses)
  );
}

function viaWithin(via: Via, old: Via): boolean {
  if (via === "direct" || old === "any") return true;
  return via !== "any" && old !== "direct" && isSubset(via, old);
}

function budgetWithin(budget: Budget, old: Budget): boolean {
  return (
    isAtMost(budget.requests, old.requests) &&
    isAtMost(budget.bytes, old.bytes) &&
    isAtMost(budget.ms, old.ms)
  );
}

/** Null is no bound. */
function isAtMost(value: number | null, bound: number | null): boolean {
  return bound === null || (value !== null && value <= bound);
}

function timeOf(expires: string | null): number | null {
  return expires === null ? null : Date.parse(expires);
}

function isSubset<Value>(some: readonly Value[], all: readonly Value[]): boolean {
  return some.every((value) => all.includes(value));
}

function isSamePlace(a: NetworkGrant, b: NetworkGrant): boolean {
  return (
    a.scheme === b.scheme &&
    a.port === b.port &&
    (hostCovers(a.host, b.host) || hostCovers(b.host, a.host)) &&
    (pathCovers(a.path, b.path) || pathCovers(b.path, a.path)) &&
    a.methods.some((method) => b.methods.includes(method))
  );
}

function nameOf(grant: Terms): string {
  const { name, alias } = grant as Terms & { readonly name?: string; readonly alias?: string };
  return name ?? alias ?? "";
}

function listOf(grants: Grants, name: keyof Lists | "kv"): readonly Terms[] {
  if (name !== "kv") return grants[name];
  return grants.kv === null ? [] : [grants.kv];
}

function countOf(grants: Grants): number {
  return names.reduce((sum, name) => sum + grants[name].length, grants.kv === null ? 0 : 1);
}
