import { HostError } from "#manifests/errors.ts";
import { manifestBytesMax } from "#manifests/manifest.ts";
import type { Digest } from "#manifests/names.ts";
import { quote } from "#manifests/quote.ts";
import { digestOf } from "./digest.ts";
import { filesOfFolder } from "./folder.ts";
import { pack } from "./pack.ts";
import { manifestPath } from "./paths.ts";
import { unpack } from "./unpack.ts";

export { manifestPath };

/** What an author publishes: a `.tgz` with `manifest.json` at its root. */
export interface Package {
  /** Of the `.tgz`. */
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** By path: relative, with slashes, safe to write on every system. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a package, refusing whatever is not certain to mean the same to everybody.
 *
 * Its manifest is there, and no more is known of it than its size.
 *
 * @param bytes  a `.tgz`; untrusted
 * @throws PACKAGE_INVALID, PACKAGE_TOO_LARGE
 */
export async function readPackage(bytes: Uint8Array): Promise<Package> {
  const files = await unpack(bytes);
  const found: Package = { digest: await digestOf(bytes), bytes, files };
  if (fileOf(found, manifestPath).byteLength > manifestBytesMax)
    throw new HostError("PACKAGE_TOO_LARGE", {
      what: `${manifestPath} has`,
      limit: `${manifestBytesMax} bytes`,
    });
  return found;
}

/**
 * Returns a file that a package must hold.
 *
 * @param path  from its manifest; untrusted
 * @throws PACKAGE_INVALID
 */
export function fileOf({ files }: Pick<Package, "files">, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes !== undefined) return bytes;
  throw new HostError("PACKAGE_INVALID", { reason: `it holds no ${quote(path)}` });
}

/**
 * Makes a package of a folder: its manifest, the module that the manifest names, README and LICENSE
 * files, and all of `assets`, `prompts` and `samples`.
 *
 * Sources, and names that begin with a dot, stay out. A link is refused: it could lead anywhere.
 *
 * @param directory  on this machine, named by its owner; what it holds is untrusted
 * @throws PACKAGE_INVALID, PACKAGE_TOO_LARGE, MANIFEST_INVALID, JSON_INVALID
 */
export async function packFolder(directory: string): Promise<Package> {
  return readPackage(await pack(await filesOfFolder(directory)));
}

/**
 * Makes a package of a module that came alone.
 *
 * @param bytes     untrusted
 * @param manifest  what the host says of it
 * @throws PACKAGE_TOO_LARGE
 */
export async function packageOfWasm(
  bytes: Uint8Array,
  manifest: { readonly wasm: string },
): Promise<Package> {
  const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const files = new Map([
    [manifestPath, text],
    [manifest.wasm, bytes],
  ]);
  return readPackage(await pack(files));
}
