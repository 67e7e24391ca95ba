import { HostError } from "#manifests/errors.ts";
import type { Manifest } from "#manifests/manifest.ts";
import type { Digest, PluginId } from "#manifests/names.ts";
import { checkLimits } from "#manifests/plugin-limits.ts";
import { bytesWords } from "#manifests/units.ts";
import { digestOf } from "#registry/digest.ts";
import { fileOf } from "#registry/package.ts";
import { samplesOf, type Sample } from "#manifests/samples.ts";
import type { InstallRequest, Release, Staged } from "./install.ts";
import type { InstallerParts } from "./installer.ts";
import type { PreparedModule } from "./loader.ts";
import { type ExportInfo, passVersion } from "./sandbox/module/prepare.ts";
import { type PrepareJob, prepareApart } from "./sandbox/preparer.ts";
import type { VersionRecord } from "./store/records.ts";

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

/**
 * Writes the package, meters and compiles its module; nothing is in its place yet.
 *
 * @throws EXPORT_MISSING, STORE_FULL, and what refuses a module, a schema or a sample
 */
export async function stage(
  parts: InstallerParts,
  release: Release,
  request: InstallRequest,
): Promise<Staged> {
  const { id, manifest, package: found, source, signer } = release;
  const samples = samplesOf(found.files, manifest);
  const files = await parts.files.stage();
  try {
    await files.writePackage(found.files);
    await checkQuota(parts, id);
    request.onStep?.("compile");
    const { memoryBytes } = checkLimits(manifest.limits, parts.config());
    const wasm = fileOf(found, manifest.wasm);
    const job = jobOf(parts.imports, memoryBytes, schemasOf(manifest, samples));
    const { metered, ...prepared } = await prepareApart(job, wasm, parts.apart);
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
    await checkQuota(parts, id);
    return {
      version,
      samples,
      commit: () => files.commit(id, found.digest),
      [Symbol.asyncDispose]: async () => {
        await files[Symbol.asyncDispose]();
        // Of a version that came to nothing nothing stays.
        await parts.keeper.discard({ packages: [version], modules: [version.meteredDigest] });
      },
    };
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

/** The schemas that an author wrote, all of them hostile until they are admitted. */
function schemasOf(
  { provides, config }: Manifest,
  samples: readonly Sample[],
): PrepareJob["schemas"] {
  const tools = provides.tools.flatMap(({ input, output }, index) => [
    { place: `provides.tools[${index}].input`, schema: input },
    { place: `provides.tools[${index}].output`, schema: output },
  ]);
  const matches = samples.flatMap(({ file, expected }) =>
    expected.kind === "match" ? [{ place: `${file} match`, schema: expected.schema }] : [],
  );
  return [...tools, ...matches, { place: "config", schema: config }].filter(
    ({ schema }) => schema !== null,
  );
}

/** @throws STORE_FULL when there is more in the store, with what is staged, than there may be */
async function checkQuota({ files, config }: InstallerParts, id: PluginId): Promise<void> {
  const { quotaBytes } = config().store;
  const usedBytes = await files.usedBytes();
  if (usedBytes <= quotaBytes) return;
  const [used, quota] = [bytesWords(usedBytes), bytesWords(quotaBytes)];
  throw new HostError("STORE_FULL", { plugin: id, used, quota });
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
