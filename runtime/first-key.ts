import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Parts } from "./assemble.ts";
import { owner } from "./keys.ts";

/** The file with the key that a new home comes with; only the owner of the home reads it. */
const fileName = "key";

/** Makes the first key of a home that has none, for whoever can read the home. */
export async function makeFirstKey({ keys, home }: Pick<Parts, "keys" | "home">): Promise<void> {
  if (keys.list().length > 0) return;
  const request = { owner: owner.owner, name: "first key", scopes: ["admin"], days: 365 };
  const { secret } = await keys.create(owner, request);
  await writeFile(join(home.path, fileName), `${secret}\n`, { mode: 0o600 });
}
