import { setTimeout as sleep } from "node:timers/promises";
import type { Parts } from "./assemble.ts";
import { limitsOf } from "./loader.ts";
import { passVersion } from "./sandbox/module/prepare.ts";
import { prepareApart } from "./sandbox/preparer.ts";
import { jobOf } from "./staging.ts";
import type { VersionRecord } from "./store/records.ts";

/** Until then a host that has just started has better things to do, in milliseconds. */
const delayMs = 1_000;

/**
 * Meters again what another version of the metering pass has metered, one module after the other. The
 * old modules serve until then; one that cannot be metered again goes on serving.
 *
 * Disposing what it returns ends it, whatever it is about.
 */
export function meterAgain(parts: Parts): AsyncDisposable {
  const over = new AbortController();
  const done = meterAll(parts, over.signal);
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
    },
  };
}

async function meterAll(parts: Parts, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal, ref: false }).catch(() => {});
  const old = parts.shelf.all().flatMap(({ versions }) => versions.filter(isOld));
  for (const version of old) {
    if (signal.aborted) return;
    try {
      await meterOne(parts, version, signal);
    } catch (error) {
      if (signal.aborted) return;
      const { plugin, version: name } = version;
      parts.log.warn({ err: error, plugin, version: name }, "a module could not be metered again");
    }
  }
}

function isOld(version: VersionRecord): boolean {
  return version.passVersion !== passVersion;
}

async function meterOne(parts: Parts, old: VersionRecord, signal: AbortSignal): Promise<void> {
  const { manifest, plugin: id, digest } = old;
  // The bytes that were hashed at the install, not those that somebody may have put in their place.
  const wasm = await parts.files.readFile(old, manifest.wasm, old.wasmDigest);
  const { memoryBytes } = limitsOf(manifest, parts.config.current);
  const { metered, ...prepared } = await prepareApart(jobOf(parts.imports, memoryBytes, []), wasm, {
    ...parts.apart,
    signal,
  });
  using _ = await parts.turns.take(id);
  const installed = parts.shelf.find(id);
  // It may have been removed meanwhile, or installed anew.
  const now = installed?.versions.find((each) => each.digest === digest);
  if (signal.aborted || !installed || !now || !isOld(now)) return;
  const module = { meteredDigest: await parts.files.writeModule(metered), passVersion, prepared };
  const { version } = old;
  parts.audit.append({
    kind: "install",
    act: "meter",
    decision: "allowed",
    plugin: id,
    version,
    digest,
  });
  await parts.audit.committed();
  const unreferenced = await parts.store.plugins.setModule(id, digest, module);
  installed.versions = installed.versions.map((each) =>
    each.digest === digest ? { ...each, ...module } : each,
  );
  const active = installed.loaded.get(digest);
  installed.loaded.delete(digest);
  if (active) parts.retire(active);
  await parts.keeper.discard(unreferenced);
}
