import type { Grants } from "#manifests/grants.ts";
import type { Manifest } from "#manifests/manifest.ts";
import type { PluginId } from "#manifests/names.ts";
import type { Sample } from "#manifests/samples.ts";
import type { Package } from "#registry/package.ts";
import type { ConsentAsk } from "./consent/asked.ts";
import type { Active, Installed } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { VersionRecord } from "./store/records.ts";

/** Where a package comes from. */
export type InstallSource =
  /** A folder, a `.tgz` or a `.wasm` on this machine's disk, named by the home's owner. */
  | { readonly kind: "path"; readonly path: string }
  /** An uploaded package. */
  | { readonly kind: "package"; readonly bytes: Uint8Array }
  /** An uploaded raw module; `name` becomes `local/<name>`. */
  | { readonly kind: "wasm"; readonly bytes: Uint8Array; readonly name: string }
  /** A package of this host's own store that waited for consent. */
  | { readonly kind: "staged"; readonly release: Release };

/** What is to be installed, and who decides what it may do. */
export interface InstallRequest {
  readonly caller: Caller;
  readonly source: InstallSource;
  /** Whether a version may be below the highest that ever answered. */
  readonly allowDowngrade?: boolean;
  /** The only package that will do; any when it is left out. */
  readonly digest?: string;
  /** Hears each step as it begins, for a progress bar. */
  readonly onStep?: (step: InstallStep) => void;
  /** Shows what is asked, and returns a yes or undefined for no; an install waits for it. */
  readonly consent: (ask: ConsentAsk, release: Release) => Promise<Yes | undefined>;
}

/** Who said yes, and to what. */
export interface Yes {
  readonly by: Caller;
  /** All that the plugin may do from now on; everything that is asked but secrets when left out. */
  readonly grants?: Grants;
}

/** The steps of an install, in their order. */
export const installSteps = [
  "resolve",
  "verify",
  "consent",
  "stage",
  "compile",
  "health",
  "activate",
] as const;

/** One step of an install. */
export type InstallStep = (typeof installSteps)[number];

/** A package that was found, and what it is. */
export interface Release {
  readonly id: PluginId;
  readonly manifest: Manifest;
  readonly package: Package;
  readonly source: VersionRecord["source"];
  readonly signer: VersionRecord["signer"];
  /** Where it came from lies on this machine's disk, and the home's owner named it. */
  readonly isLocal: boolean;
}

/** What somebody said yes to. */
export interface Consent {
  readonly grants: Grants;
  /** What was held when it was asked, as JSON. */
  readonly held: string;
  readonly by: Caller;
}

/** A release in the store, compiled, and answering nobody yet. */
export interface Staged extends AsyncDisposable {
  readonly version: VersionRecord;
  /** Sample calls that its author ships. */
  readonly samples: readonly Sample[];
  commit(): Promise<void>;
}

/** A version that could answer, beside the one that does. */
export interface Candidate {
  /** The plugin as it will be. */
  readonly installed: Installed;
  readonly active: Active;
}

/** The parts of the host that an install passes through, each built once. */
export interface InstallParts {
  /** Finds the package and packs it, so that everything after speaks of one digest. */
  resolve(request: InstallRequest): Promise<Release>;
  /** @throws UNSIGNED_REFUSED, HOST_VERSION_REFUSED, LIMIT_ABOVE_CEILING, CAPABILITY_UNKNOWN */
  verify(release: Release): Release;
  /** The same package is active already: nothing is left to do. */
  installedAs(release: Release): Installed | undefined;
  /** @throws CONSENT_DECLINED, SCOPE_MISSING, GRANTS_INVALID */
  consent(release: Release, request: InstallRequest): Promise<Consent>;
  /**
   * Writes the package, meters and compiles its module, puts nothing in its place yet.
   *
   * @throws EXPORT_MISSING, and what refuses a module
   */
  stage(release: Release, request: InstallRequest): Promise<Staged>;
  /** Waits until nobody else changes the plugin; disposing what it gives lets in the next. */
  takeTurn(release: Release): Promise<Disposable>;
  /** What was held when it was asked is so still, less what was used up. @throws CONSENT_OUTDATED */
  checkStanding(release: Release, consent: Consent): Consent;
  /** @throws DOWNGRADE_REFUSED */
  checkDowngrade(release: Release, request: InstallRequest): Promise<void>;
  /** Runs health check, sample calls and load hook of the plugin. @throws HOOK_FAILED, SAMPLE_FAILED */
  checkHealth(staged: Staged, consent: Consent): Promise<Candidate>;
  activate(checked: Candidate, by: Caller): Promise<Installed>;
}

/**
 * Installs one plugin. Until the last line nothing that the host uses has changed.
 *
 * @returns the plugin, active
 */
export async function install(parts: InstallParts, request: InstallRequest): Promise<Installed> {
  const step = request.onStep ?? (() => {});
  step("resolve");
  const found = await parts.resolve(request);
  step("verify");
  const release = parts.verify(found);
  const same = parts.installedAs(release);
  if (same) return same;
  await parts.checkDowngrade(release, request);
  step("consent");
  const consent = await parts.consent(release, request);
  step("stage");
  await using staged = await parts.stage(release, request);
  using _ = await parts.takeTurn(release);
  const standing = parts.checkStanding(release, consent);
  await parts.checkDowngrade(release, request);
  step("health");
  const checked = await parts.checkHealth(staged, standing);
  step("activate");
  // Awaited here: the turn and what is staged are given back only when this is over.
  return await parts.activate(checked, request.caller);
}
