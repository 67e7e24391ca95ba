import { constants } from "node:fs";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { type Digest, parseDigest } from "#manifests/names.ts";
import { digestOf } from "#registry/digest.ts";

/** The packages that wait for consent, each a file under the digest of its bytes. */
export interface WaitingPackages {
  /** Keeps a package; on the disk when the promise resolves. @throws STORAGE_FULL */
  write(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** Returns a package. @throws MODULE_ALTERED */
  read(digest: Digest): Promise<Uint8Array>;
  /** Digests of those that are there, their bytes unread. */
  present(): Promise<ReadonlySet<Digest>>;
  /** Removes all but some. */
  keepOnly(digests: ReadonlySet<Digest>): Promise<void>;
}

/** Returns the packages that wait in a folder of the home. */
export function createWaitingPackages(folder: string): WaitingPackages {
  const pathOf = (digest: Digest): string => join(folder, `${digest.replace(":", "-")}.tgz`);
  return {
    write: async (digest, bytes) => {
      const path = pathOf(digest);
      await writeSynced(`${path}.part`, bytes);
      await rename(`${path}.part`, path);
      await using parent = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
      await parent.sync();
    },
    read: async (digest) => {
      const bytes = await readFile(pathOf(digest)).catch(() => undefined);
      if (bytes !== undefined && (await digestOf(bytes)) === digest) return bytes;
      throw new HostError("MODULE_ALTERED", { what: "a package that waits for consent", digest });
    },
    present: async () => {
      const names = await readdir(folder);
      const found = names.map((name) => /^sha256-([0-9a-f]{64})\.tgz$/.exec(name)?.[1]);
      return new Set(found.flatMap((hex) => (hex ? [parseDigest(`sha256:${hex}`)] : [])));
    },
    keepOnly: async (digests) => {
      const kept = new Set([...digests].map(pathOf));
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        if (!kept.has(path)) await rm(path, { force: true });
      }
    },
  };
}

/** @throws STORAGE_FULL */
async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await using file = await open(path, "w", 0o600);
    await file.writeFile(bytes);
    await file.sync();
  } catch (cause) {
    await rm(path, { force: true });
    if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
    throw new HostError("STORAGE_FULL", {}, { cause });
  }
}
