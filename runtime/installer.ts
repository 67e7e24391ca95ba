import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, resolve as absolute } from "node:path";
import type { Config as HostConfig } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { type Manifest, manifestOfRaw, parseManifest } from "#manifests/manifest.ts";
import { checkAuthorId, isInRange, toLocalId, type Version } from "#manifests/names.ts";
import { checkLimits } from "#manifests/plugin-limits.ts";
import { quote } from "#manifests/quote.ts";
import { packageLimits } from "#registry/limits.ts";
import { fileOf, type Package, packageOfWasm, packFolder, readPackage } from "#registry/package.ts";
import type { AuditEntry } from "./audit-line.ts";
import type { Clock } from "./clock.ts";
import { checkStanding, type ConsentParts, consent } from "./consent/consent.ts";
import type { InstallParts, InstallRequest, Release } from "./install.ts";
import type { Active, Installed } from "./installed.ts";
import { type ApartOptions, type PrepareJob, prepareApart } from "./sandbox/preparer.ts";
import { activate, checkDowngrade, checkHealth } from "./activation.ts";
import type { Keeper } from "./gc.ts";
import type { RunHook } from "./hooks.ts";
import type { LoadWish } from "./loader.ts";
import type { Fleet } from "./sandbox/fleet.ts";
import { isCallable, jobOf, stage } from "./staging.ts";
import type { Files } from "./store/files.ts";
import type { PluginStore } from "./store/plugins.ts";
import type { VersionRecord } from "./store/records.ts";
import type { Turns } from "./turns.ts";

/** What installing needs of the host. */
export interface InstallerParts extends ConsentParts {
  readonly clock: Clock;
  readonly config: () => HostConfig;
  readonly hostVersion: Version;
  /** The folder with the project's own plugins, whose ids stay bare. */
  readonly projectFolder: string;
  readonly files: Files;
  readonly store: PluginStore;
  /** Import module → names that every module may import: the environment and WASI. */
  readonly imports: PrepareJob["imports"];
  readonly load: (installed: Installed, version: VersionRecord, wish?: LoadWish) => Active;
  readonly turns: Turns;
  readonly fleet: Fleet;
  /** Runs a hook of a version. @throws HOOK_FAILED */
  readonly runHook: RunHook;
  readonly keeper: Keeper;
  /** Lets a version go once its last call is over. */
  readonly retire: (active: Active) => void;
  /** How modules are checked apart. */
  readonly apart?: ApartOptions;
}

/** Returns the steps of `install()`. */
export function createInstaller(parts: InstallerParts): InstallParts {
  return {
    resolve: (request) => resolve(parts, request),
    verify: (release) => verify(parts, release),
    installedAs: ({ id, package: { digest } }) => {
      const installed = parts.shelf.find(id);
      return installed?.plugin.activeDigest === digest ? installed : undefined;
    },
    consent: (release, request) => consent(parts, release, request),
    checkStanding: (release, given) => checkStanding(parts, release, given),
    stage: (release, request) => stage(parts, release, request),
    takeTurn: ({ id }) => parts.turns.take(id),
    checkDowngrade: (release, request) => checkDowngrade(parts, release, request),
    checkHealth: (staged, given) => checkHealth(parts, staged, given),
    activate: (checked, by) => activate(parts, checked, by),
  };
}

/** Returns the record of an install that came to nothing. */
export function refusedInstall({ caller, source }: InstallRequest, error: unknown): AuditEntry {
  const { code, facts } = error instanceof HostError ? error : new HostError("INTERNAL", {});
  const decided = ["CONSENT_DECLINED", "UNSIGNED_REFUSED"];
  const { plugin } = facts as { readonly plugin?: unknown };
  return {
    kind: "install",
    act: "install",
    decision: decided.includes(code) ? "denied" : "failed",
    code,
    owner: caller.owner,
    keyId: caller.id,
    plugin: typeof plugin === "string" ? plugin.slice(0, 64) : null,
    target: source.kind === "path" ? quote(source.path, 300) : null,
  };
}

/** @throws DIGEST_DIFFERS, and what finding it throws */
async function resolve(parts: InstallerParts, request: InstallRequest): Promise<Release> {
  const release = await find(parts, request);
  const { digest } = release.package;
  if (request.digest === undefined || request.digest === digest) return release;
  throw new HostError("DIGEST_DIFFERS", { plugin: release.id, expected: request.digest, digest });
}

async function find(parts: InstallerParts, { source }: InstallRequest): Promise<Release> {
  switch (source.kind) {
    case "package": {
      const found = await readPackage(source.bytes);
      return releaseOf(found, { kind: "package", from: "an upload" }, unsigned, false);
    }
    case "wasm":
      return resolveWasm(parts, source.bytes, source.name, "an upload", false);
    case "staged":
      return source.release;
    case "path":
      return resolvePath(parts, absolute(source.path));
  }
}

const unsigned = { kind: "unsigned" } as const;

/**
 * A place on this machine's disk, named by the home's owner.
 *
 * @throws FILE_UNUSABLE, MODULE_TOO_LARGE, PACKAGE_TOO_LARGE
 */
async function resolvePath(parts: InstallerParts, path: string): Promise<Release> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new HostError(
      "FILE_UNUSABLE",
      { file: quote(path), problem: "it is not there" },
      { cause },
    );
  });
  const from = quote(path, 300);
  if (found.isDirectory()) {
    const own = dirname(path) === parts.projectFolder;
    const signer = own ? ({ kind: "project", identity: "convergio" } as const) : unsigned;
    return releaseOf(await packFolder(path), { kind: "folder", from }, signer, true);
  }
  const isModule = extname(path) === ".wasm";
  // Before it is read: the host must hold all of it.
  if (found.size > packageLimits.packedBytesMax)
    throw tooLarge(isModule, { actual: found.size, limit: packageLimits.packedBytesMax });
  const bytes = await readFile(path);
  const name = basename(path, extname(path));
  if (isModule) return resolveWasm(parts, bytes, name, from, true);
  return releaseOf(await readPackage(bytes), { kind: "package", from }, unsigned, true);
}

function tooLarge(isModule: boolean, sizes: { actual: number; limit: number }): HostError {
  const { actual, limit } = sizes;
  if (!isModule)
    return new HostError("PACKAGE_TOO_LARGE", { what: "it has", limit: `${limit} bytes` });
  return new HostError("MODULE_TOO_LARGE", { what: "the module, in bytes,", actual, limit });
}

/** @throws MODULE_INVALID, and whatever checking a module throws */
async function resolveWasm(
  parts: InstallerParts,
  bytes: Uint8Array,
  name: string,
  from: string,
  isLocal: boolean,
): Promise<Release> {
  const id = toLocalId(name);
  // What it exports is known only after it was checked: it is hostile until then.
  const { exports } = await prepareApart(
    jobOf(parts.imports, parts.config().defaults.memoryBytes, []),
    bytes,
    parts.apart,
  );
  const callable = exports.filter(isCallable).map((each) => each.name);
  const manifest = manifestOfRaw(id, callable);
  if (manifest.provides.tools.length === 0) {
    const reason = "it exports no function without parameters that could be a tool";
    throw new HostError("MODULE_INVALID", { reason });
  }
  const found = await packageOfWasm(bytes, writtenOf(manifest));
  return {
    id,
    manifest,
    package: found,
    source: { kind: "wasm", from },
    signer: unsigned,
    isLocal,
  };
}

/** The manifest of a raw module as it is written into its package. */
function writtenOf({ manifest, id, version, description, wasm, provides }: Manifest) {
  const tools = provides.tools.map((tool) => ({ name: tool.name, export: tool.export }));
  return { manifest, id, version, description, wasm, provides: { tools } };
}

function releaseOf(
  found: Package,
  source: VersionRecord["source"],
  signer: VersionRecord["signer"],
  isLocal: boolean,
): Release {
  const manifest = parseManifest(fileOf(found, "manifest.json"));
  const id = signer.kind === "project" ? checkAuthorId(manifest.id) : toLocalId(manifest.id);
  return { id, manifest, package: found, source, signer, isLocal };
}

/** @throws UNSIGNED_REFUSED, HOST_VERSION_REFUSED, LIMIT_ABOVE_CEILING, CAPABILITY_UNKNOWN */
function verify(parts: InstallerParts, release: Release): Release {
  const { id, manifest, signer } = release;
  const config = parts.config();
  if (signer.kind === "unsigned" && config.trust.unsigned === "never") {
    throw new HostError("UNSIGNED_REFUSED", { plugin: id });
  }
  if (!isInRange(parts.hostVersion, manifest.host)) {
    const facts = { plugin: id, range: quote(manifest.host), version: parts.hostVersion };
    throw new HostError("HOST_VERSION_REFUSED", facts);
  }
  checkLimits(manifest.limits, config);
  parts.table.asks(manifest.uses);
  return release;
}
