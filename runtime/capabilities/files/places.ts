import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FilesGrant } from "#manifests/capabilities/files.ts";
import { HostError } from "#manifests/errors.ts";
import type { Binding } from "#manifests/grants.ts";
import { checkSupported, HeldFolder } from "../beneath.ts";
import type { Asker } from "../capability.ts";
import { whyNever } from "./allowed.ts";

/** What the places of files need to know of the host. */
export interface PlaceParts {
  /** Absolute path of the host's home, without links. */
  readonly home: string;
  /** The folder in it that holds the plugins' own. */
  readonly data: string;
  /** Other files of the host's that hold keys; absolute. */
  readonly keyFiles?: () => readonly string[];
}

/** Where one grant leads for one caller. */
export interface Place {
  readonly path: string;
  /** Whether nobody but this host writes there. */
  readonly isOwn: boolean;
  open(): Promise<HeldFolder>;
}

/** Finds the folders behind grants. */
export class Places {
  readonly #parts: PlaceParts;
  /** The folder that a grant led to first: another one in its place was not granted. */
  readonly #first = new WeakMap<FilesGrant, string>();

  constructor(parts: PlaceParts) {
    this.#parts = parts;
  }

  /** Returns where a grant leads. A grant `per: caller` has a folder for each owner of keys. */
  of({ binding, owner }: Asker, grant: FilesGrant): Place {
    const share = grant.per === "caller" ? digest([binding.plugin, owner]) : "all";
    if (grant.folder === null) {
      const path = join(dataFolder(this.#parts.data, binding), grant.name, share);
      return { path, isOwn: true, open: () => this.#own(path, grant.name) };
    }
    const { folder } = grant;
    const path = grant.per === "caller" ? join(folder, share) : folder;
    return { path, isOwn: false, open: () => this.#operators(grant, folder, share) };
  }

  async #own(path: string, purpose: string): Promise<HeldFolder> {
    try {
      return await HeldFolder.at(path, purpose);
    } catch (error) {
      checkSupported();
      // Its first use. What is no folder, or a link, is still none afterwards.
      await mkdir(path, { recursive: true, mode: 0o700 }).catch(() => undefined);
      return HeldFolder.at(path, purpose).catch(() => Promise.reject(error));
    }
  }

  /** @throws FOLDER_UNUSABLE */
  async #operators(grant: FilesGrant, folder: string, share: string): Promise<HeldFolder> {
    const held = await HeldFolder.at(folder, grant.name);
    try {
      await this.#check(grant, folder, held);
      if (grant.per !== "caller") return held;
    } catch (error) {
      await held[Symbol.asyncDispose]();
      throw error;
    }
    await using above = held;
    if ((await above.find(share)) === undefined && grant.access === "write")
      await above.makeFolder(share).catch(() => undefined); // Made by another caller just now.
    return await above.enter(share);
  }

  /** Throws for what must not be had, or is not what it was. @throws FOLDER_UNUSABLE */
  async #check(grant: FilesGrant, folder: string, held: HeldFolder): Promise<void> {
    const unusable = (reason: string): HostError =>
      new HostError("FOLDER_UNUSABLE", { folder: grant.name, reason });
    const { inode } = await held.self();
    const first = this.#first.get(grant);
    if (first === inode) return;
    if (first !== undefined) throw unusable("another folder is in its place");
    const { home, keyFiles } = this.#parts;
    const reason = await whyNever(folder, home, keyFiles?.());
    if (reason !== undefined) throw unusable(reason);
    this.#first.set(grant, inode);
  }
}

/** Removes all that a plugin keeps in folders of its own. */
export async function purgeData(data: string, binding: Binding): Promise<void> {
  await rm(dataFolder(data, binding), { recursive: true, force: true });
}

/** The same id of another signer or source is another plugin, and has another folder. */
function dataFolder(data: string, { plugin, source, signer }: Binding): string {
  return join(data, digest([plugin, source, signer]));
}

function digest(words: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(words)).digest("hex").slice(0, 40);
}
