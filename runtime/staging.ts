import { HostError } from "#manifests/errors.ts";
import type { Manifest } from "#manifests/manifest.ts";
import type { Digest, PluginId } from "#manifests/names.ts";
import { checkLimits } from "#manifests/plugin-limits.ts";
import { digestOf } from "#registry/digest.ts";
import { fileOf } from "#registry/package.ts";
import { sayFarewell } from "./hooks.ts";
import type { Candidate, Consent, InstallRequest, Release, Staged } from "./install.ts";
import type { Installed } from "./installed.ts";
import type { InstallerParts } from "./installer.ts";
import type { Caller } from "./keys.ts";
import type { PreparedModule } from "./loader.ts";
import { type ExportInfo, passVersion } from "./sandbox/module/prepare.ts";
import { type PrepareJob, prepareApart } from "./sandbox/preparer.ts";
import { bindingOf, type Config, type PluginRecord, type VersionRecord } from "./store/records.ts";
import { signerName } from "./views.ts";

const pageBytes = 65_536;

/** Returns what the process that prepares modules is to do. */
export function jobOf(
  imports: PrepareJob["imports"],
  memoryBytes: number,
  schemas: PrepareJob["schemas"],
): PrepareJob {
  // One page is the kernel's.
  return { memoryPagesMax: Math.floor(memoryBytes / pageBytes) - 1, imports, schemas };
}

/** Returns whether an export can be called: no parameters, nothing or an i32 as result. */
export function isCallable({ kind, params, results }: ExportInfo): boolean {
  if (kind !== "function" || params.length > 0) return false;
  return results.length === 0 || (results.length === 1 && results[0] === "i32");
}

/** Writes the package, meters and compiles its module; nothing is in its place yet. */
export async function stage(
  parts: InstallerParts,
  release: Release,
  request: InstallRequest,
): Promise<Staged> {
  const { id, manifest, package: found, source, signer } = release;
  const files = await parts.files.stage();
  try {
    await files.writePackage(found.files);
    request.onStep?.("compile");
    const { memoryBytes } = checkLimits(manifest.limits, parts.config());
    const wasm = fileOf(found, manifest.wasm);
    const job = jobOf(parts.imports, memoryBytes, schemasOf(manifest));
    const { metered, ...prepared } = await prepareApart(job, wasm);
    checkExports(id, manifest, prepared);
    const version: VersionRecord = {
      plugin: id,
      digest: found.digest,
      version: manifest.version,
      manifest,
      files: await digestsOf(found.files),
      source,
      signer,
      wasmDigest: await digestOf(wasm),
      meteredDigest: await files.writeModule(metered),
      passVersion,
      prepared,
      installedAt: parts.clock.now(),
    };
    return {
      version,
      commit: () => files.commit(id, found.digest),
      [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
    };
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

/** The schemas that an author wrote, all of them hostile until they are admitted. */
function schemasOf({ provides, config }: Manifest): PrepareJob["schemas"] {
  const tools = provides.tools.flatMap(({ input, output }, index) => [
    { place: `provides.tools[${index}].input`, schema: input },
    { place: `provides.tools[${index}].output`, schema: output },
  ]);
  return [...tools, { place: "config", schema: config }].filter(({ schema }) => schema !== null);
}

/** @throws EXPORT_MISSING */
function checkExports(id: PluginId, manifest: Manifest, { exports }: PreparedModule): void {
  const callable = new Set(exports.filter(isCallable).map(({ name }) => name));
  const tools = manifest.provides.tools.map((tool) => tool.export);
  for (const name of [...tools, ...Object.values(manifest.lifecycle)]) {
    if (!callable.has(name)) throw new HostError("EXPORT_MISSING", { plugin: id, name });
  }
}

async function digestsOf(
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Readonly<Record<string, Digest>>> {
  const digests: Record<string, Digest> = {};
  for (const [path, bytes] of files) digests[path] = await digestOf(bytes);
  return digests;
}

/**
 * Puts the files in their place, loads the version beside the one that answers now, and runs its hooks:
 * health first, then load. Whatever fails leaves the old version as it was.
 */
export async function checkHealth(
  parts: InstallerParts,
  staged: Staged,
  consent: Consent,
): Promise<Candidate> {
  const { version } = staged;
  // Compiled from where it will be read at every later start, its hash checked on the way.
  await staged.commit();
  const installed = await candidateOf(parts, version, consent);
  const candidate = { installed, active: parts.load(installed, version) };
  const { active } = candidate;
  try {
    await active.pool.warm();
    if (active.hooks.has("health")) await parts.runHook(active, "health", {});
    if (active.hooks.has("load")) await parts.runHook(active, "load", {});
    return candidate;
  } catch (error) {
    await giveUp(parts, candidate);
    throw error;
  }
}

/** Lets a version go that came to nothing, and takes its files out of the store again. */
async function giveUp(parts: InstallerParts, { active }: Candidate): Promise<void> {
  parts.retire(active);
  await removeUnused(parts, active.version);
}

async function removeUnused(parts: InstallerParts, version: VersionRecord): Promise<void> {
  const used = parts.shelf.all().flatMap(({ versions }) => versions);
  const isUsed = used.some(({ digest }) => digest === version.digest);
  const isShared = used.some(({ meteredDigest }) => meteredDigest === version.meteredDigest);
  await parts.files.remove({
    packages: isUsed ? [] : [version],
    modules: isShared ? [] : [version.meteredDigest],
  });
}

/** The plugin as it would be with this version active. */
async function candidateOf(
  parts: InstallerParts,
  version: VersionRecord,
  consent: Consent,
): Promise<Installed> {
  const before = parts.shelf.find(version.plugin);
  const now = parts.clock.now();
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
    grants: {
      ...bindingOf(version),
      grants: consent.grants,
      digest: version.digest,
      grantedAt: new Date(now).toISOString(),
      grantedBy: consent.by.owner,
    },
    config: await keptConfig(parts, version),
    loaded: new Map(),
  };
}

/** A new version does not undo what an operator decided about the old one. */
function standingOf(before: Installed | undefined): Pick<PluginRecord, "state" | "reason"> {
  const kept = before?.plugin.state === "disabled" || before?.plugin.state === "stopped";
  if (!before || !kept) return { state: "enabled", reason: null };
  return { state: before.plugin.state, reason: before.plugin.reason };
}

function keptConfig(parts: InstallerParts, version: VersionRecord): Promise<Config> {
  return parts.store.keptConfig(bindingOf(version));
}

/** Writes that the version answers from now on, and lets the one before finish its calls. */
export async function activate(
  parts: InstallerParts,
  checked: Candidate,
  by: Caller,
): Promise<Installed> {
  const { installed, active } = checked;
  const { version } = active;
  const before = parts.shelf.find(version.plugin);
  try {
    await write(parts, checked, by);
  } catch (error) {
    await giveUp(parts, checked);
    throw error;
  }
  installed.loaded.set(version.digest, active);
  parts.shelf.put(version.plugin, installed);
  if (before) await sayFarewell(parts, before);
  for (const old of before?.loaded.values() ?? []) parts.retire(old);
  return installed;
}

/** Audit first, so that nothing is active of which there is no record. */
async function write(
  parts: InstallerParts,
  { installed, active }: Candidate,
  by: Caller,
): Promise<void> {
  const { version } = active;
  const { grants, config } = installed;
  const { state, reason } = installed.plugin;
  parts.audit.append({
    kind: "install",
    act: "activate",
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
