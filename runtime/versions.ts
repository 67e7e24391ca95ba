import { grantsInCommon } from "#manifests/common-grants.ts";
import type { Config as HostConfig } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { type BoundGrants, type Grants, nothingGranted, toGrantsText } from "#manifests/grants.ts";
import { quote } from "#manifests/quote.ts";
import { type ActivationParts, activate } from "./activation.ts";
import type { GrantBook } from "./grants/book.ts";
import type { Installed } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { Activated } from "./store/activations.ts";
import { bindingOf, isSameBinding, type VersionRecord } from "./store/records.ts";
import { activeVersion, signerName } from "./views.ts";

/** What going back needs of the host. */
export interface VersionsParts extends ActivationParts {
  readonly config: () => HostConfig;
  readonly grants: GrantBook;
}

/** A version of a plugin that is in the store. */
export interface VersionView {
  readonly version: string;
  readonly digest: string;
  /** `unsigned`, or the signer's name. */
  readonly signer: string;
  readonly installedAt: string;
  /** When it answered last for the first time; null when it never did. */
  readonly activatedAt: string | null;
  /** `active` answers now, `previous` is what `rollback` goes back to, `kept` can be gone back to. */
  readonly standing: "active" | "previous" | "kept" | "foreign";
}

/** What came of going back. */
export interface RolledBack {
  readonly version: string;
  readonly digest: string;
  /** The version that answered before. */
  readonly from: string;
  /** What it was granted when it answered last and is not granted now, by its place: `network[0]`. */
  readonly lost: readonly string[];
}

/** The versions of installed plugins. */
export interface Versions {
  /** The latest first. @throws PLUGIN_NOT_FOUND */
  list(id: string): Promise<readonly VersionView[]>;
  /**
   * Lets a version answer again that did before, at once and without asking: it may do what it might
   * when it answered last and what is granted now, never more than either.
   *
   * @param to  a version or a digest; the one that answered before when left out; untrusted
   * @throws PLUGIN_NOT_FOUND, VERSION_NOT_FOUND, ROLLBACK_IMPOSSIBLE, UNSIGNED_REFUSED
   */
  rollback(id: string, by: Caller, to?: string): Promise<RolledBack>;
}

/** Creates the acts on the versions of plugins. */
export function createVersions(parts: VersionsParts): Versions {
  return {
    list: (id) => list(parts, id),
    rollback: async (id, by, to) => {
      using _ = await parts.turns.take(id);
      const installed = parts.shelf.get(id);
      try {
        return await rollback(parts, installed, { by, to });
      } catch (error) {
        await auditRefusal(parts, installed, { by, error });
        throw error;
      }
    },
  };
}

async function auditRefusal(
  { audit }: VersionsParts,
  { plugin }: Installed,
  { by, error }: { readonly by: Caller; readonly error: unknown },
): Promise<void> {
  const code = error instanceof HostError ? error.code : "INTERNAL";
  audit.append({
    ...{ kind: "install", act: "rollback", decision: "failed", code },
    ...{ owner: by.owner, keyId: by.id, plugin: plugin.id },
  });
  await audit.committed();
}

async function list({ shelf, store }: VersionsParts, id: string): Promise<readonly VersionView[]> {
  const installed = shelf.get(id);
  const known = new Map(
    (await store.activations(installed.plugin.id)).map((each) => [each.digest, each]),
  );
  const at = ({ digest, installedAt }: VersionRecord): number =>
    known.get(digest)?.activatedAt ?? installedAt;
  return [...installed.versions]
    .sort((a, b) => at(b) - at(a))
    .map((version) => toView(installed, version, known.get(version.digest)));
}

function toView(
  installed: Installed,
  version: VersionRecord,
  activated: Activated | undefined,
): VersionView {
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    version: version.version,
    digest: version.digest,
    signer: signerName(version.signer),
    installedAt: time(version.installedAt),
    activatedAt: activated === undefined ? null : time(activated.activatedAt),
    standing: standingOf(installed, version),
  };
}

function standingOf(installed: Installed, version: VersionRecord): VersionView["standing"] {
  const { activeDigest, previousDigest } = installed.plugin;
  if (version.digest === activeDigest) return "active";
  if (!isSameBinding(bindingOf(version), bindingOf(activeVersion(installed)))) return "foreign";
  return version.digest === previousDigest ? "previous" : "kept";
}

interface Back {
  readonly by: Caller;
  readonly to: string | undefined;
}

async function rollback(
  parts: VersionsParts,
  before: Installed,
  { by, to }: Back,
): Promise<RolledBack> {
  const from = activeVersion(before);
  const version = targetOf(before, to);
  checkAdmitted(parts, version);
  const activated = (await parts.store.activations(version.plugin)).find(
    ({ digest }) => digest === version.digest,
  );
  const then = activated?.grants ?? nothingGranted;
  const grants = grantsInCommon(parts.grants.held(before, from), then);
  const installed = backTo(parts, before, { version, grants, by });
  const active = parts.load(installed, version);
  try {
    await active.pool.warm();
  } catch (error) {
    parts.retire(active);
    throw error;
  }
  await activate(parts, { installed, active }, by, "rollback");
  const { version: name, digest } = version;
  return { version: name, digest, from: from.version, lost: lostOf(then, grants) };
}

/** @throws VERSION_NOT_FOUND, ROLLBACK_IMPOSSIBLE */
function targetOf(installed: Installed, to: string | undefined): VersionRecord {
  const { plugin, versions } = installed;
  const { id } = plugin;
  const impossible = (reason: string): HostError =>
    new HostError("ROLLBACK_IMPOSSIBLE", { plugin: id, reason });
  const wanted = to ?? plugin.previousDigest;
  if (wanted === null) throw impossible("no version of the same signer answered before");
  const found = versions.findLast(({ version, digest }) => wanted === digest || wanted === version);
  if (found === undefined && to !== undefined)
    throw new HostError("VERSION_NOT_FOUND", { plugin: id, version: quote(to) });
  if (found === undefined) throw impossible("the version that answered before is no longer kept");
  const standing = standingOf(installed, found);
  if (standing === "active") throw impossible(`${found.version} answers now`);
  // What it was granted belongs to another signer's plugin.
  if (standing === "foreign") throw impossible(`${found.version} is another signer's`);
  return found;
}

/** What is not admitted any more does not come back either. @throws UNSIGNED_REFUSED */
function checkAdmitted({ config }: VersionsParts, { plugin, signer }: VersionRecord): void {
  if (signer.kind === "unsigned" && config().trust.unsigned === "never")
    throw new HostError("UNSIGNED_REFUSED", { plugin });
}

interface Target {
  readonly version: VersionRecord;
  readonly grants: Grants;
  readonly by: Caller;
}

/** The plugin as it will be, with settings and standing of now. */
function backTo(parts: VersionsParts, before: Installed, target: Target): Installed {
  const { version, grants, by } = target;
  const now = parts.clock.now();
  const bound: BoundGrants = {
    ...bindingOf(version),
    grants,
    digest: version.digest,
    // What was counted of a grant goes on being counted from when it was given.
    grantedAt: before.grants?.grantedAt ?? new Date(now).toISOString(),
    grantedBy: before.grants?.grantedBy ?? by.owner,
  };
  return {
    plugin: {
      ...before.plugin,
      activeDigest: version.digest,
      previousDigest: before.plugin.activeDigest,
      updatedAt: now,
    },
    versions: before.versions,
    grants: bound,
    config: before.config,
    loaded: new Map(),
  };
}

/** Says which grants of then are gone or narrower now. */
function lostOf(then: Grants, now: Grants): readonly string[] {
  const texts = (grants: Grants): readonly (readonly [string, string])[] =>
    Object.entries(toGrantsText(grants)).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map(
        (entry, index) =>
          [Array.isArray(value) ? `${name}[${index}]` : name, JSON.stringify(entry)] as const,
      ),
    );
  const held = new Set(texts(now).map(([, text]) => text));
  return texts(then).flatMap(([place, text]) => (held.has(text) ? [] : [place]));
}
