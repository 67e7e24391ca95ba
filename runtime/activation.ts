import { HostError } from "#manifests/errors.ts";
import { compareVersions, type Version } from "#manifests/names.ts";
import { sayFarewell } from "./hooks.ts";
import type { Candidate, Consent, InstallRequest, Release, Staged } from "./install.ts";
import type { Installed } from "./installed.ts";
import type { InstallerParts } from "./installer.ts";
import type { Caller } from "./keys.ts";
import {
  bindingOf,
  isSameBinding,
  type PluginRecord,
  type VersionRecord,
} from "./store/records.ts";
import { tryVersion } from "./trial.ts";
import { signerName } from "./views.ts";

/** How a version comes to answer; the word for the audit. */
export type Way = "activate" | "rollback";

/** What activating a version needs of the host. */
export type ActivationParts = Pick<
  InstallerParts,
  | "clock"
  | "fleet"
  | "turns"
  | "shelf"
  | "store"
  | "audit"
  | "load"
  | "runHook"
  | "retire"
  | "keeper"
>;

/**
 * Throws when a version is below the highest of its signer's that ever answered: an old version is a way
 * to bring back what was mended since. Whoever installs may say that they want it.
 *
 * @throws DOWNGRADE_REFUSED
 */
export async function checkDowngrade(
  { store }: Pick<InstallerParts, "store">,
  { id, manifest: { version }, signer }: Release,
  { allowDowngrade = false }: InstallRequest,
): Promise<void> {
  const highest = await highestOf(store, { plugin: id, signer });
  if (allowDowngrade || highest === null || compareVersions(version, highest) >= 0) return;
  throw new HostError("DOWNGRADE_REFUSED", { plugin: id, version, highest });
}

function highestOf(
  store: InstallerParts["store"],
  of: Pick<VersionRecord, "plugin" | "signer">,
): Promise<Version | null> {
  return store.highest(bindingOf(of));
}

/**
 * Puts the files in their place and tries the version where it serves nobody: its health check and the
 * sample calls of its author. Then loads it beside the one that answers now, and runs its load hook with
 * what it was granted. Whatever fails leaves the old version as it was.
 *
 * @throws HOOK_FAILED, SAMPLE_FAILED
 */
export async function checkHealth(
  parts: ActivationParts & Pick<InstallerParts, "carryOver">,
  staged: Staged,
  consent: Consent,
): Promise<Candidate> {
  const { version, samples } = staged;
  const { by } = consent;
  // Compiled from where it will be read at every later start, its hash checked on the way.
  await staged.commit();
  const installed = await candidateOf(parts, version, consent);
  await tryVersion(parts, { installed, version, samples, by });
  const active = parts.load(installed, version);
  try {
    await active.pool.warm();
    // What somebody stopped does nothing, and a hook has what it was granted.
    if (installed.plugin.state === "enabled")
      await parts.runHook(active, { hook: "load", input: {}, by });
    return { installed, active };
  } catch (error) {
    parts.retire(active);
    throw error;
  }
}

/** The plugin as it would be with this version active. */
async function candidateOf(
  parts: ActivationParts & Pick<InstallerParts, "carryOver">,
  version: VersionRecord,
  consent: Consent,
): Promise<Installed> {
  const before = parts.shelf.find(version.plugin);
  const now = parts.clock.now();
  const config = await parts.store.keptConfig(bindingOf(version));
  const grants = {
    ...bindingOf(version),
    grants: consent.grants,
    digest: version.digest,
    grantedAt: new Date(now).toISOString(),
    grantedBy: consent.by.owner,
  };
  // Calls of the version before use them up while this one is tried, and after.
  if (before?.grants && isSameBinding(before.grants, grants))
    parts.carryOver(before.grants, grants);
  return {
    plugin: {
      id: version.plugin,
      ...standingOf(before),
      activeDigest: version.digest,
      previousDigest: before?.plugin.activeDigest ?? null,
      createdAt: before?.plugin.createdAt ?? now,
      updatedAt: now,
    },
    versions: [
      ...(before?.versions ?? []).filter((each) => each.digest !== version.digest),
      version,
    ],
    grants,
    config,
    loaded: new Map(),
  };
}

/** A new version does not undo what an operator decided about the old one. */
function standingOf(before: Installed | undefined): Pick<PluginRecord, "state" | "reason"> {
  const kept = before?.plugin.state === "disabled" || before?.plugin.state === "stopped";
  if (!before || !kept) return { state: "enabled", reason: null };
  return { state: before.plugin.state, reason: before.plugin.reason };
}

/**
 * Writes that a version answers from now on, switches in one step, and lets the one before finish its
 * calls; where there may be one instance only, the new one begins after the last of them.
 *
 * @returns the plugin, active
 * @throws CONSENT_OUTDATED
 */
export async function activate(
  parts: ActivationParts,
  checked: Candidate,
  by: Caller,
  way: Way = "activate",
): Promise<Installed> {
  const { installed, active } = checked;
  const { version } = active;
  const before = parts.shelf.find(version.plugin);
  const olds = [...(before?.loaded.values() ?? [])];
  try {
    // What is taken away while this was tried must not come back with it.
    if (before?.narrowing) throw new HostError("CONSENT_OUTDATED", { plugin: version.plugin });
    await write(parts, checked, { by, way });
  } catch (error) {
    parts.retire(active);
    throw error;
  }
  // A stop does not wait for its turn: it may have come while this was written.
  installed.plugin = { ...installed.plugin, ...standingOf(before) };
  installed.loaded.set(version.digest, active);
  for (const old of olds) active.pool.behind(old.pool);
  parts.shelf.put(version.plugin, installed);
  if (before) await sayFarewell(parts, before, by);
  for (const old of before?.loaded.values() ?? []) parts.retire(old);
  await parts.keeper.prune(installed, by);
  return installed;
}

/** Audit first, so that nothing is active of which there is no record. */
async function write(
  parts: ActivationParts,
  { installed, active }: Candidate,
  { by, way }: { readonly by: Caller; readonly way: Way },
): Promise<void> {
  const { version } = active;
  const { grants, config } = installed;
  const { state, reason } = installed.plugin;
  parts.audit.append({
    kind: "install",
    act: await actOf(parts, version, way),
    decision: "allowed",
    owner: by.owner,
    keyId: by.id,
    plugin: version.plugin,
    version: version.version,
    digest: version.digest,
    signer: signerName(version.signer),
  });
  await parts.audit.committed();
  if (grants) await parts.store.activate({ version, grants, config, state, reason });
}

/** Whoever reads the audit finds each step down, however it was made. */
async function actOf(
  { store }: ActivationParts,
  version: VersionRecord,
  way: Way,
): Promise<string> {
  if (way === "rollback") return way;
  const highest = await highestOf(store, version);
  const isDown = highest !== null && compareVersions(version.version, highest) < 0;
  return isDown ? "downgrade" : way;
}
