import { hash } from "node:crypto";
import { grantsAsked } from "#manifests/asked.ts";
import type { Terms, Via } from "#manifests/capabilities/terms.ts";
import {
  type BoundGrants,
  type GrantsText,
  nothingGranted,
  toGrantsText,
} from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import type { CapabilityTable } from "../capabilities/table.ts";
import { eachAsk, type Single, signerOf } from "../consent/asked-for.ts";
import type { Installed, Shelf } from "../installed.ts";
import { bindingOf, isSameBinding, type VersionRecord } from "../store/records.ts";
import { activeVersion } from "../views.ts";
import type { GrantBook } from "./book.ts";
import { eachGrant, entryOf, type Granted, grantsFrom, grantWords, termsWords } from "./words.ts";

/** One grant as operators see it. */
export interface GrantView {
  readonly words: string;
  /** Under which conditions it holds. */
  readonly terms: readonly string[];
  /** Whether it holds, or why it does not any more. */
  readonly state: "held" | "expired" | "spent";
  readonly via: Via;
  readonly per: Terms["per"];
  readonly expires: string | null;
  readonly uses: number | null;
  readonly used: number;
}

/** One thing that a manifest asks for, and what of it is granted. */
export interface EntryView {
  /** `network[0]`, `files.cache`, `kv`. */
  readonly entry: string;
  readonly capability: string;
  /** What is asked for, in our words. */
  readonly words: string;
  /** Why, in the author's. */
  readonly untrustedReason: string;
  /** The grants that give all of it; secrets are mapped by the operator. */
  readonly offer: GrantsText;
  /** How a secret is used that is asked for here. */
  readonly secret: { readonly name: string; readonly mode: "inject" | "reveal" } | null;
  readonly grants: readonly GrantView[];
  /** The same as operators write it. */
  readonly held: GrantsText;
}

/** What a plugin may do: as stored, and with what it asks for beside it. */
export interface GrantsView extends GrantsText {
  readonly plugin: string;
  /** The version that somebody said yes to; null when nobody did. */
  readonly digest: string | null;
  /** Names what is shown here: an edit says what it edits. */
  readonly revision: string;
  readonly grantedAt: string | null;
  readonly grantedBy: string | null;
  readonly entries: readonly EntryView[];
  /** Installed plugins from which calls lead to it: what it gains they may gain. */
  readonly callers: readonly string[];
}

/** What showing grants needs of the host. */
export interface ViewParts {
  readonly shelf: Shelf;
  readonly table: CapabilityTable;
  readonly grants: GrantBook;
}

/** Returns the grants of the version that answers now. */
export function boundOf(installed: Installed): BoundGrants | null {
  const version = activeVersion(installed);
  return isFor(installed.grants, version) ? installed.grants : null;
}

/** Returns the name of what is granted now, which changes with every edit and every update. */
export function revisionOf(installed: Installed): string {
  const { digest } = activeVersion(installed);
  const { grants, grantedAt = null } = boundOf(installed) ?? {};
  const text = JSON.stringify([digest, grantedAt, grants ?? null]);
  return hash("sha256", text, "base64url").slice(0, 32);
}

/** Returns what a plugin may do, as operators see it. */
export function grantsView(parts: ViewParts, installed: Installed): GrantsView {
  const bound = boundOf(installed);
  const { manifest, plugin } = activeVersion(installed);
  const all = eachGrant(bound?.grants ?? nothingGranted);
  return {
    ...toGrantsText(bound?.grants ?? nothingGranted),
    plugin,
    digest: bound?.digest ?? null,
    revision: revisionOf(installed),
    grantedAt: bound?.grantedAt ?? null,
    grantedBy: bound?.grantedBy ?? null,
    entries: eachAsk(manifest.uses).flatMap((single) => {
      const own = all.filter((each) => entryOf(manifest.uses, each) === single.entry);
      const views = bound === null ? [] : viewsOf(parts, own, bound);
      return entryView(parts, single, { grants: views, held: toGrantsText(grantsFrom(own)) });
    }),
    callers: callersOf(parts.shelf, plugin),
  };
}

function entryView(
  { table, shelf }: ViewParts,
  { entry, uses }: Single,
  held: Pick<EntryView, "grants" | "held">,
): EntryView[] {
  const [secret] = uses.secrets;
  return table.asks(uses).map(({ capability, verb, words, reason }) => ({
    entry,
    capability,
    words: `${verb} ${words}`,
    untrustedReason: reason,
    offer: toGrantsText(grantsAsked(uses, (callee) => signerOf(shelf, callee))),
    secret: secret
      ? { name: secret.name, mode: secret.inject === null ? "reveal" : "inject" }
      : null,
    ...held,
  }));
}

function viewsOf(
  { grants: book }: ViewParts,
  own: readonly Granted[],
  bound: BoundGrants,
): readonly GrantView[] {
  return own.map((each) => {
    const { via, per, expires, uses } = each.grant;
    const used = book.uses.used(each.capability, each.grant, bound);
    const isOver = expires !== null && !(Date.parse(expires) > book.now());
    const isSpent = uses !== null && used >= uses;
    return {
      words: grantWords(each),
      terms: termsWords(each.grant, used),
      state: isOver ? "expired" : isSpent ? "spent" : "held",
      ...{ via, per, expires, uses, used },
    };
  });
}

/** Returns the plugins from which edges lead to one, by way of others too. */
function callersOf(shelf: Shelf, id: PluginId): readonly string[] {
  const edges = shelf.all().map((installed) => ({
    from: installed.plugin.id,
    to: (boundOf(installed)?.grants.tools ?? []).map(({ plugin }) => plugin),
  }));
  const found = new Set<PluginId>([id]);
  // Each round finds the callers of those that were found before it.
  for (const target of found)
    for (const { from, to } of edges) if (to.includes(target)) found.add(from);
  found.delete(id);
  return [...found];
}

function isFor(bound: BoundGrants | null, version: VersionRecord): bound is BoundGrants {
  return (
    bound !== null && bound.digest === version.digest && isSameBinding(bound, bindingOf(version))
  );
}
