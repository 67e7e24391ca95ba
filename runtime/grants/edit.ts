import { checkAsked } from "#manifests/asked.ts";
import { HostError } from "#manifests/errors.ts";
import { type BoundGrants, type Grants, nothingGranted, parseGrants } from "#manifests/grants.ts";
import { type Change, changeOf, predecessorOf } from "#manifests/within.ts";
import type { Audit } from "../audit.ts";
import type { Events } from "../events.ts";
import { checkHuman } from "../consent/human.ts";
import type { Installed } from "../installed.ts";
import type { Caller } from "../keys.ts";
import type { PluginStore } from "../store/plugins.ts";
import { bindingOf } from "../store/records.ts";
import type { Turns } from "../turns.ts";
import { activeVersion, signerName } from "../views.ts";
import { gainersOf } from "./reach.ts";
import { boundOf, type GrantsView, grantsView, revisionOf, type ViewParts } from "./view.ts";
import { eachGrant } from "./words.ts";

/** What editing grants needs of the host. */
export interface EditParts extends ViewParts {
  readonly clock: { now(): number };
  readonly audit: Audit;
  readonly events: Pick<Events, "emit">;
  readonly store: PluginStore;
  readonly turns: Turns;
  /** Returns the real path of a folder that may be granted. @throws FOLDER_REFUSED */
  readonly checkFolder: (path: string) => Promise<string>;
}

/** An edit of what a plugin may do. */
export interface Edit {
  /** All that it may do from now on, in the form that `parseGrants` reads; untrusted. */
  readonly document: unknown;
  /** What was seen and is edited. */
  readonly revision: string;
  /** Plugins that whoever edits knows to gain by it, because they may call the plugin. */
  readonly callers: readonly string[];
}

/**
 * Puts grants in the place of those that a plugin has: never more than its manifest asks for, and more
 * than before only by a person's word.
 *
 * What becomes less holds from this moment on, in calls that run too, and is durable when it resolves;
 * what becomes more holds when it is durable.
 *
 * @throws PLUGIN_NOT_FOUND, SCOPE_MISSING, GRANTS_INVALID, GRANTS_CHANGED, GRANTS_REACH, FOLDER_REFUSED
 */
export async function editGrants(
  parts: EditParts,
  id: string,
  edit: Edit,
  by: Caller,
): Promise<GrantsView> {
  checkHuman(by);
  const installed = parts.shelf.get(id);
  checkSeen(installed, edit);
  const { manifest } = activeVersion(installed);
  const asked = checkAsked(parseGrants(edit.document), manifest.uses);
  const grants = await withRealFolders(parts, asked, boundOf(installed)?.grants);
  checkSeen(installed, edit);
  const before = installed.grants;
  const held = boundOf(installed)?.grants ?? nothingGranted;
  const change = changeOf(held, grants);
  if (change === "none") return grantsView(parts, installed);
  if (change === "widen") checkGainers(parts, installed, grants, edit);
  const after = bind(parts, installed, grants, by);
  if (change !== "widen") hold(parts, installed, after);
  using _narrowing = narrowingOf(installed, change);
  using _ = await parts.turns.take(id);
  const expected = change === "widen" ? before : after;
  if (parts.shelf.find(id) !== installed || installed.grants !== expected)
    throw new HostError("GRANTS_CHANGED", { plugin: id });
  await record(parts, { installed, change, by });
  await succeed(parts, before, after);
  await parts.store.setGrants(after);
  hold(parts, installed, after);
  parts.grants.uses.settle(after, eachGrant(grants));
  return grantsView(parts, installed);
}

/** What becomes less does not wait for its turn: an update that has it fails, and is made again. */
function narrowingOf(installed: Installed, change: Change): Disposable {
  const less = change === "widen" ? 0 : 1;
  installed.narrowing = (installed.narrowing ?? 0) + less;
  return {
    [Symbol.dispose]: () => {
      installed.narrowing = (installed.narrowing ?? 0) - less;
    },
  };
}

/** @throws GRANTS_CHANGED */
function checkSeen(installed: Installed, { revision }: Edit): void {
  if (revisionOf(installed) === revision) return;
  throw new HostError("GRANTS_CHANGED", { plugin: installed.plugin.id });
}

/** Folders are kept by their real paths: what a link leads to later is not what was granted. */
async function withRealFolders(
  { checkFolder }: EditParts,
  grants: Grants,
  held: Grants = nothingGranted,
): Promise<Grants> {
  const files = grants.files.map(async (grant) => {
    const { folder } = grant;
    // What was granted may be taken away although the folder is gone.
    if (folder === null || held.files.some((old) => old.folder === folder)) return grant;
    return { ...grant, folder: await checkFolder(folder) };
  });
  return { ...grants, files: await Promise.all(files) };
}

/** @throws GRANTS_REACH */
function checkGainers(
  parts: EditParts,
  installed: Installed,
  grants: Grants,
  { callers }: Edit,
): void {
  const gainers = gainersOf(parts, installed, grants);
  if (gainers.every((caller) => callers.includes(caller))) return;
  const { id: plugin } = installed.plugin;
  throw new HostError("GRANTS_REACH", { plugin, callers: gainers.join(", ") });
}

function bind({ clock }: EditParts, installed: Installed, grants: Grants, by: Caller): BoundGrants {
  const version = activeVersion(installed);
  return {
    ...bindingOf(version),
    grants,
    digest: version.digest,
    grantedAt: new Date(clock.now()).toISOString(),
    grantedBy: by.owner,
  };
}

/** Of versions that were replaced calls may run still: an edit leaves them nothing. */
function hold(parts: EditParts, installed: Installed, after: BoundGrants): void {
  void succeed(parts, installed.grants, after).catch(() => {});
  installed.grants = after;
  parts.shelf.strip(installed.plugin.id);
}

/** What was used of a grant counts for the one that takes its place. */
function succeed(
  { grants: book }: EditParts,
  before: BoundGrants | null,
  after: BoundGrants,
): Promise<void> {
  const isSame = before !== null && before.digest === after.digest;
  // Grants that nobody has used since the start are not known to the counts yet.
  if (isSame)
    for (const each of eachGrant(before.grants)) book.uses.used(...countedOf(each, before));
  return book.uses.succeed(
    after,
    eachGrant(after.grants).map(({ capability, grant }) => ({
      ...{ capability, grant },
      from: isSame ? predecessorOf(before.grants, capability, grant) : undefined,
    })),
  );
}

function countedOf({ capability, grant }: ReturnType<typeof eachGrant>[number], of: BoundGrants) {
  return [capability, grant, of] as const;
}

async function record(
  { audit, events }: EditParts,
  { installed, change, by }: { installed: Installed; change: Change; by: Caller },
): Promise<void> {
  const { plugin, version, digest, signer } = activeVersion(installed);
  audit.append({
    kind: "grants",
    act: change,
    decision: "allowed",
    owner: by.owner,
    keyId: by.id,
    ...{ plugin, version, digest },
    signer: signerName(signer),
  });
  await audit.committed();
  const text = `a grant of ${plugin} was taken back; convergio plugin grants ${plugin}`;
  if (change === "revoke") events.emit({ kind: "revoked", plugin, subject: "a grant", text });
}
