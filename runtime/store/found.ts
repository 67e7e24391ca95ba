import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { type Digest, type PluginId, parseDigest, parsePluginId } from "#manifests/names.ts";
import type { FilePlaces, StoredEntry } from "./files.ts";

/** Returns what lies in the folders of a store; names that the store does not give are left alone. */
export async function foundIn(home: FilePlaces): Promise<readonly StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for (const { path, plugin, digest } of await packagesIn(home.plugins))
    entries.push({ kind: "package", plugin, digest, ...(await sizeOf(path)) });
  for (const { name } of await entriesIn(home.modules)) {
    const digest = name.endsWith(".wasm") ? digestIn(name.slice(0, -".wasm".length)) : undefined;
    const path = join(home.modules, name);
    if (digest !== undefined) entries.push({ kind: "module", digest, ...(await sizeOf(path)) });
  }
  for (const { name } of await entriesIn(home.staging))
    entries.push({ kind: "staged", name, ...(await sizeOf(join(home.staging, name))) });
  return entries;
}

/** Returns the bytes of all files under a path; 0 when nothing is there. */
export async function bytesIn(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  let bytes = 0;
  for (const { name } of await entriesIn(path)) bytes += await bytesIn(join(path, name));
  return bytes;
}

async function sizeOf(path: string): Promise<{ bytes: number; changedAt: number }> {
  const found = await lstat(path).catch(() => undefined);
  // What is gone meanwhile is as new as can be: nobody removes it.
  return { bytes: await bytesIn(path), changedAt: found?.mtimeMs ?? Number.POSITIVE_INFINITY };
}

interface FoundPackage {
  readonly path: string;
  readonly plugin: PluginId;
  readonly digest: Digest;
}

/** Packages lie in a folder of their plugin's id, which has one segment or two. */
async function packagesIn(root: string, id = ""): Promise<FoundPackage[]> {
  const found: FoundPackage[] = [];
  for (const entry of await entriesIn(join(root, id))) {
    if (!entry.isDirectory()) continue;
    const inner = id === "" ? entry.name : `${id}/${entry.name}`;
    const digest = digestIn(entry.name);
    if (digest === undefined) {
      if (!id.includes("/")) found.push(...(await packagesIn(root, inner)));
      continue;
    }
    const plugin = idIn(id);
    if (plugin !== undefined) found.push({ path: join(root, inner), plugin, digest });
  }
  return found;
}

async function entriesIn(path: string): Promise<Dirent[]> {
  return readdir(path, { withFileTypes: true }).catch(() => []);
}

function digestIn(name: string): Digest | undefined {
  return name.startsWith("sha256-") ? parsed(() => parseDigest(name.replace("-", ":"))) : undefined;
}

function idIn(path: string): PluginId | undefined {
  return parsed(() => parsePluginId(path));
}

/** Returns undefined for a name that is none of the store's. */
function parsed<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}
