import { HostError } from "#manifests/errors.ts";
import type { HeldFolder } from "../beneath.ts";
import { refused } from "../beneath/faults.ts";
import type { InnerPath } from "../beneath/path.ts";

/**
 * Goes into folders, one a name, and acts on the last one; all are let go afterwards.
 *
 * @throws PATH_NOT_FOUND, PATH_NOT_FOLDER, PATH_REFUSED, and what the act throws
 */
export async function within<Result>(
  root: HeldFolder,
  names: readonly string[],
  act: (folder: HeldFolder) => Promise<Result>,
): Promise<Result> {
  const [first, ...rest] = names;
  if (first === undefined) return act(root);
  await using next = await root.enter(first);
  return await within(next, rest, act);
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
