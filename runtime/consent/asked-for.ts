import { asksBeyond, carriedGrants, mergeGrants } from "#manifests/carried.ts";
import { grantsAsked } from "#manifests/asked.ts";
import type { Ask, Terms } from "#manifests/capabilities/terms.ts";
import type { SecretAsk } from "#manifests/capabilities/secrets.ts";
import { type BoundGrants, type Grants, nothingGranted, toGrantsText } from "#manifests/grants.ts";
import { looksLike } from "#manifests/lookalikes.ts";
import type { Instances } from "#manifests/manifest.ts";
import { compareVersions, type PluginId } from "#manifests/names.ts";
import { type Uses, usesNothing } from "#manifests/uses.ts";
import type { CapabilityTable } from "../capabilities/table.ts";
import type { Release } from "../install.ts";
import type { Installed, Shelf } from "../installed.ts";
import { bindingOf, isSameBinding, type VersionRecord } from "../store/records.ts";
import { activeVersion, signerName } from "../views.ts";
import type { AskedEntry, ConsentAsk } from "./asked.ts";
import { type Neighbor, type Reached, reachedBy, reachWords } from "./reach.ts";
import { togetherWords } from "./together.ts";
import { toolChanges } from "./tool-changes.ts";

/** What asking needs of the host. */
export interface AskParts {
  readonly shelf: Shelf;
  readonly table: CapabilityTable;
  /** Names of the operator's secrets that may go to all hosts of an ask. */
  readonly secretsFor: (ask: SecretAsk) => readonly string[];
}

/** What is to be asked about a release, and what each answer comes to. */
export interface Question {
  readonly ask: ConsentAsk;
  /** False when nothing is new to whoever decided about the version of now. */
  readonly isNeeded: boolean;
  /** What stays of what was granted before, for whatever is answered. */
  readonly held: Grants;
  /** What a plain yes gives: that, and all that is asked for but secrets. */
  readonly full: Grants;
}

/** The version that answers now, when it is the same signer's and source's as a release. */
interface Before {
  readonly version: VersionRecord;
  readonly installed: Installed;
}

/** Returns what to ask about a release; pure, so that the same state asks the same. */
export function questionOf(parts: AskParts, release: Release): Question {
  const { id, manifest, signer, source } = release;
  const installed = parts.shelf.find(id);
  const before = beforeOf(installed, release);
  const usesBefore = before?.version.manifest.uses ?? usesNothing;
  const held = heldOf(parts, release);
  const entries = entriesBeyond(parts, manifest.uses, usesBefore, [id]);
  const full = entries.map(({ offer }) => offer).reduce(mergeGrants, held);
  const instances = before?.version.manifest.instances;
  const changes = before
    ? toolChanges(before.version.manifest.provides.tools, manifest.provides.tools)
    : [];
  const ask: ConsentAsk = {
    id,
    version: manifest.version,
    digest: release.package.digest,
    signer: signerName(signer),
    source: source.from,
    asks: entries.map(({ offer, ...entry }) => ({ ...entry, offer: toGrantsText(offer) })),
    held: toGrantsText(held),
    decided: eachAsk(manifest.uses).length - entries.length,
    dropped: eachAsk(asksBeyond(usesBefore, manifest.uses).uses).map((each) =>
      sentenceOf(parts, each),
    ),
    together: togetherBeyond(parts, id, { held, full, uses: manifest.uses }),
    instances: manifest.instances,
    tools: manifest.provides.tools.map(({ name }) => name),
    readOnly: manifest.provides.tools
      .filter(({ annotations }) => annotations.readOnly)
      .map(({ name }) => name),
    toolChanges: changes,
    callers: callersOf(parts.shelf, id, signerName(signer)),
    replaces: before?.version.version ?? null,
    isOlder: isOlder(release, before),
    instead: insteadOf(installed, before),
    looksLike: looksLike(
      id,
      parts.shelf.all().map(({ plugin }) => plugin.id),
    ),
    choices: Object.fromEntries(
      asksBeyond(manifest.uses, usesBefore).uses.secrets.map((each) => [
        each.name,
        parts.secretsFor(each),
      ]),
    ),
  };
  const isShared = instances !== undefined && isWider(manifest.instances, instances);
  const isNews = isShared || ask.isOlder || entries.length > 0 || changes.length > 0;
  const isNeeded = !before || isNews;
  return { ask, isNeeded, held, full };
}

/**
 * Returns what a release keeps of what was granted before: nothing when another signer's plugin is
 * installed under its id. Of grants for a number of uses it says how many were given.
 */
export function heldOf(parts: Pick<AskParts, "shelf">, release: Release): Grants {
  const before = beforeOf(parts.shelf.find(release.id), release);
  const bound = boundOf(parts, release);
  if (!before || !bound) return nothingGranted;
  return carriedGrants(bound.grants, before.version.manifest.uses, release.manifest.uses);
}

/** Returns what was granted to the version that a release would replace, as it was given. */
export function boundOf({ shelf }: Pick<AskParts, "shelf">, release: Release): BoundGrants | null {
  const before = beforeOf(shelf.find(release.id), release);
  const bound = before?.installed.grants ?? null;
  return bound?.digest === before?.version.digest ? bound : null;
}

function beforeOf(installed: Installed | undefined, release: Release): Before | undefined {
  if (installed === undefined) return undefined;
  const version = activeVersion(installed);
  const own = bindingOf({ plugin: release.id, signer: release.signer });
  return isSameBinding(bindingOf(version), own) ? { version, installed } : undefined;
}

/** Faults that were mended come back with an older version. */
function isOlder({ manifest }: Release, before: Before | undefined): boolean {
  return before !== undefined && compareVersions(manifest.version, before.version.version) < 0;
}

function insteadOf(
  installed: Installed | undefined,
  before: Before | undefined,
): ConsentAsk["instead"] {
  if (installed === undefined || before !== undefined) return null;
  const { version, signer } = activeVersion(installed);
  return { version, signer: signerName(signer) };
}

type Entry = Omit<AskedEntry, "offer"> & { readonly offer: Grants };

function entriesBeyond(
  parts: AskParts,
  uses: Uses,
  before: Uses,
  chain: readonly PluginId[],
): readonly Entry[] {
  const more = asksBeyond(uses, before);
  const known = new Map(eachAsk(before).map((each) => [each.entry, each]));
  return eachAsk(more.uses, more.networkAt).flatMap((each): Entry[] => {
    const found = parts.table.asks(each.uses)[0];
    if (found === undefined) return [];
    const { reason, capability, verb, words, warnings } = found;
    const offer = grantsAsked(each.uses, (callee) => signerOf(parts.shelf, callee));
    const old = each.uses.network.length > 0 ? undefined : known.get(each.entry);
    return [
      {
        ...{ entry: each.entry, capability, verb, words, warnings },
        untrustedReason: reason,
        was: old === undefined ? null : sentenceOf(parts, old),
        reaches: reachWords(reachOf(parts.shelf, offer, chain)),
        hosts: hostsOf(each.uses),
        offer,
      },
    ];
  });
}

/** One thing that is asked for, with its place in the manifest. */
export interface Single {
  readonly entry: string;
  /** That alone. */
  readonly uses: Uses;
}

/** Returns each thing that is asked for alone; `networkAt` says where the network asks stand. */
export function eachAsk(uses: Uses, networkAt?: readonly number[]): Single[] {
  const only = (entry: string, part: Partial<Uses>): Single => ({
    entry,
    uses: { ...usesNothing, ...part },
  });
  return [
    ...uses.network.map((ask, at) => only(`network[${networkAt?.[at] ?? at}]`, { network: [ask] })),
    ...uses.files.map((ask) => only(`files.${ask.name}`, { files: [ask] })),
    ...(uses.kv === null ? [] : [only("kv", { kv: uses.kv })]),
    ...uses.tools.map((ask) => only(`tools.${ask.alias}`, { tools: [ask] })),
    ...uses.secrets.map((ask) => only(`secrets.${ask.name}`, { secrets: [ask] })),
  ];
}

function hostsOf({ network, secrets }: Uses): readonly string[] {
  return [...network.map(({ host }) => host), ...secrets.flatMap(({ hosts }) => hosts)];
}

function sentenceOf({ table }: AskParts, { uses }: Single): string {
  return table.asks(uses).map(({ verb, words }: Ask) => `${verb} ${words}`)[0] ?? "";
}

/** What stays as it was is no news; a secret that is shown counts as if it were granted. */
function togetherBeyond(
  parts: AskParts,
  id: PluginId,
  { held, full, uses }: { held: Grants; full: Grants; uses: Uses },
): string[] {
  const said = (grants: Grants) => togetherWords(grants, reachOf(parts.shelf, grants, [id]));
  const known = said(held);
  const shown = uses.secrets.filter(({ inject }) => inject === null);
  const secrets = [
    ...full.secrets,
    ...shown.map(({ name }) => ({ ...revealedTerms, name, secret: name, mode: "reveal" as const })),
  ];
  return said({ ...full, secrets }).filter((words) => !known.includes(words));
}

const revealedTerms: Terms = { per: "plugin", via: "direct", expires: null, uses: null };

function reachOf(shelf: Shelf, { tools }: Grants, chain: readonly PluginId[]): readonly Reached[] {
  return reachedBy((other) => neighborOf(shelf, other), tools, chain);
}

function neighborOf(shelf: Shelf, id: string): Neighbor | undefined {
  const installed = shelf.find(id);
  if (installed === undefined) return undefined;
  const { manifest, signer, digest } = activeVersion(installed);
  const { grants } = installed;
  const isOwn = grants !== null && grants.digest === digest;
  return {
    uses: manifest.uses,
    signer: signerName(signer),
    grants: isOwn ? grants.grants : nothingGranted,
  };
}

/** Installed plugins that may call a plugin now. */
function callersOf(shelf: Shelf, id: PluginId, signer: string): readonly string[] {
  const isEdge = (edge: { plugin: string; signer: string }): boolean =>
    edge.plugin === id && edge.signer === signer;
  return shelf
    .all()
    .filter(({ grants }) => grants?.grants.tools.some(isEdge))
    .map(({ plugin }) => plugin.id);
}

/** Returns who signs a plugin: the one that is installed, or the one that its id belongs to. */
export function signerOf(shelf: Shelf, id: PluginId): string {
  const installed = shelf.find(id);
  if (installed !== undefined) return signerName(activeVersion(installed).signer);
  return id.includes("/") ? "unsigned" : "convergio";
}

/** Whether more callers share an instance than before. */
function isWider(now: Instances, before: Instances): boolean {
  const order: readonly Instances[] = ["fresh", "warm", "single"];
  return order.indexOf(now) > order.indexOf(before);
}
