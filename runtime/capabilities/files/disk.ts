import type { FilesGrant } from "#manifests/capabilities/files.ts";
import { HostError } from "#manifests/errors.ts";
import type { Grants } from "#manifests/grants.ts";
import type { HeldFolder } from "../beneath.ts";
import type { Asker } from "../capability.ts";
import { DiskLine } from "./line.ts";
import { type PlaceParts, Places } from "./places.ts";
import { Quotas } from "./quota.ts";
import type { Writer } from "./writing.ts";

/** What files need of the host. */
export interface FilesParts extends PlaceParts {
  readonly clock: { now(): number; random(bytes: number): Uint8Array };
}

/** The disk as the functions reach it: in turn, in the folder of a grant, as long as it holds. */
export class Disk {
  readonly #parts: FilesParts;
  readonly #places: Places;
  readonly #quotas: Quotas;
  readonly #line = new DiskLine();

  constructor(parts: FilesParts) {
    this.#parts = parts;
    this.#places = new Places(parts);
    this.#quotas = new Quotas(() => parts.clock.now());
  }

  /** @throws CAPABILITY_DENIED, CALL_CANCELLED, FOLDER_UNUSABLE, and what the act throws */
  async read<Result>(
    asker: Asker,
    grant: FilesGrant,
    act: (root: HeldFolder) => Promise<Result>,
  ): Promise<Result> {
    using _ = await this.#line.take(asker.plugin, undefined, asker.signal);
    checkHeld(asker, grant, false);
    await using root = await this.#places.of(asker, grant).open();
    return await act(root);
  }

  /** @throws CAPABILITY_DENIED, CALL_CANCELLED, FOLDER_UNUSABLE, and what the act throws */
  async write<Result>(
    asker: Asker,
    grant: FilesGrant,
    act: (writer: Writer) => Promise<Result>,
  ): Promise<Result> {
    const place = this.#places.of(asker, grant);
    using _ = await this.#line.take(asker.plugin, place.path, asker.signal);
    const still = (): void => checkHeld(asker, grant, true);
    still();
    await using root = await place.open();
    const books = await this.#quotas.of(root, grant, place.isOwn);
    const fresh = (): string => Buffer.from(this.#parts.clock.random(12)).toString("hex");
    return await act({ root, books, still, fresh });
  }
}

/** Returns the grant of a folder, to be read or written. */
export function grantOf(
  { files }: Grants,
  folder: string,
  writes: boolean,
): FilesGrant | undefined {
  return files.find(({ name, access }) => name === folder && (!writes || access === "write"));
}

/**
 * Throws when a call is over, or its grant leads nowhere or elsewhere by now.
 *
 * @throws CALL_CANCELLED, CAPABILITY_DENIED
 */
function checkHeld(asker: Asker, grant: FilesGrant, writes: boolean): void {
  const { plugin } = asker;
  if (asker.signal.aborted) throw new HostError("CALL_CANCELLED", { plugin });
  // Booked by the guard: its last use may be this one, and then it is no longer among the grants.
  if (grant.uses !== null) return;
  const now = grantOf(asker.grants(), grant.name, writes);
  if (now === undefined || now.folder !== grant.folder || now.per !== grant.per)
    throw new HostError("CAPABILITY_DENIED", { verb: "use files", plugin });
}
