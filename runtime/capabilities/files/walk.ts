import { HostError } from "#manifests/errors.ts";
import type { HeldFolder } from "../beneath.ts";
import { refused } from "../beneath/faults.ts";
import type { InnerPath } from "../beneath/path.ts";

/**
 * Goes into folders, one a name, and acts on the last one. Each is let go when the next one is held, so
 * that a deep path takes no more handles than a short one.
 *
 * @throws PATH_NOT_FOUND, PATH_NOT_FOLDER, PATH_REFUSED, and what the act throws
 */
export async function within<Result>(
  root: HeldFolder,
  names: readonly string[],
  act: (folder: HeldFolder) => Promise<Result>,
): Promise<Result> {
  const held = { folder: root };
  try {
    for (const name of names) {
      const next = await held.folder.enter(name);
      if (held.folder !== root) await held.folder[Symbol.asyncDispose]();
      held.folder = next;
    }
    return await act(held.folder);
  } finally {
    if (held.folder !== root) await held.folder[Symbol.asyncDispose]();
  }
}

/**
 * Acts on the folder that holds what a path names, and on that name.
 *
 * @param use  what the path must be: `file` refuses one that is written as a folder's
 * @throws PATH_REFUSED, PATH_NOT_FILE, and what `within` throws
 */
export async function beside<Result>(
  root: HeldFolder,
  path: InnerPath,
  use: "file" | "any",
  act: (folder: HeldFolder, name: string) => Promise<Result>,
): Promise<Result> {
  const name = path.names.at(-1);
  if (name === undefined && use === "any")
    throw refused(root.purpose, "names the folder that was granted");
  if (name === undefined || (use === "file" && path.isFolder))
    throw new HostError("PATH_NOT_FILE", { folder: root.purpose });
  return within(root, path.names.slice(0, -1), (folder) => act(folder, name));
}
