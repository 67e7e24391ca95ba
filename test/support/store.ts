import { join } from "node:path";
import type { Clock } from "#runtime/clock.ts";
import { openStore, type Store } from "#runtime/store/store.ts";
import { fakeClock } from "#test/support/clock.ts";

/** Opens the store of a folder, as a host does with its home. */
export function storeIn(folder: string, clock: Clock = fakeClock()): Promise<Store> {
  const path = join(folder, "convergio.db");
  return openStore({ path, backups: folder, clock, hostVersion: "0.1.0" });
}
