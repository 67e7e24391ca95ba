import type { Grants } from "#manifests/grants.ts";
import type { Manifest } from "#manifests/manifest.ts";
import type { PluginId } from "#manifests/names.ts";
import type { Package } from "#registry/package.ts";
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
  | { readonly kind: "wasm"; readonly bytes: Uint8Array; readonly name: string };

/** What is to be installed, and who decides what it may do. */
export interface InstallRequest {
  readonly caller: Caller;
  readonly source: InstallSource;
  /** Hears each step as it begins, for a progress bar. */
  readonly onStep?: (step: InstallStep) => void;
  /** Shows what is asked, and returns who said yes or undefined for no; an install waits for it. */
  readonly consent: (ask: ConsentAsk) => Promise<Caller | undefined>;
}

/** The steps of an install, in their order. */
export type InstallStep =
  | "resolve"
  | "verify"
  | "consent"
  | "stage"
  | "compile"
  | "health"
  | "activate";

/** What an operator is asked before a plugin runs. Texts under `untrusted` are the author's own. */
export interface ConsentAsk {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  /** `unsigned`, or the signer's name. */
  readonly signer: string;
  readonly source: string;
  /** One entry a capability asked for: our words, then the author's reason. */
  readonly asks: readonly {
    readonly capability: string;
    readonly words: string;
    readonly untrustedReason: string;
    /** The version installed now does not ask for it; true for all when there is none. */
    readonly isNew: boolean;
  }[];
  readonly instances: "fresh" | "warm" | "single";
  readonly tools: readonly string[];
  /** What the version installed now asks for and this one does not, in our words. */
  readonly dropped: readonly string[];
  /** Version installed now. */
  readonly replaces: string | null;
  /** Installed ids that this one could be mistaken for. */
  readonly looksLike: readonly string[];
}

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
  readonly by: Caller;
}

/** A release in the store, compiled, and answering nobody yet. */
export interface Staged extends AsyncDisposable {
  readonly version: VersionRecord;
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
  /** @throws CONSENT_DECLINED */
  consent(release: Release, request: InstallRequest): Promise<Consent>;
  /**
   * Writes the package, meters and compiles its module, puts nothing in its place yet.
   *
   * @throws EXPORT_MISSING, and what refuses a module
   */
  stage(release: Release, request: InstallRequest): Promise<Staged>;
  /** Waits until nobody else changes the plugin; disposing what it gives lets in the next. */
  takeTurn(release: Release): Promise<Disposable>;
  /** Runs the plugin's own health check and load hook. @throws HOOK_FAILED */
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
  step("consent");
  const consent = await parts.consent(release, request);
  step("stage");
  await using staged = await parts.stage(release, request);
  using _ = await parts.takeTurn(release);
  step("health");
  const checked = await parts.checkHealth(staged, consent);
  step("activate");
  return parts.activate(checked, request.caller);
}
