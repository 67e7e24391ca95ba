import { HostError } from "#manifests/errors.ts";
import { refused } from "../beneath/faults.ts";
import type { InnerPath } from "../beneath/path.ts";
import { beside } from "./walk.ts";
import type { Writer } from "./writing.ts";

/**
 * Deletes a file or an empty folder. Returns whether it was there.
 *
 * @param kind  what it must be; either when left out
 * @throws PATH_NOT_FILE, PATH_NOT_FOLDER, FOLDER_NOT_EMPTY, PATH_REFUSED
 */
export function deletePath(
  { root, books, still }: Writer,
  path: InnerPath,
  kind?: "file" | "folder",
): Promise<boolean> {
  const { purpose: folder } = root;
  return beside(root, path, "any", async (parent, name) => {
    const found = await parent.find(name);
    if (found === undefined) return false;
    if (found.kind === "other") throw refused(folder, "names a link, a pipe, a socket or a device");
    const wanted = path.isFolder ? "folder" : (kind ?? found.kind);
    if (wanted !== found.kind)
      throw new HostError(wanted === "file" ? "PATH_NOT_FILE" : "PATH_NOT_FOLDER", { folder });
    const isFile = found.kind === "file";
    await books.add(isFile ? -found.bytes : 0, -1, () => {
      still();
      return isFile ? parent.removeFile(name) : parent.removeFolder(name);
    });
    return true;
  });
}

/**
 * Gives a file or a folder another path in the same folder; a file takes the place of a file that has
 * it, a folder that of an empty folder, in one step.
 *
 * @throws PATH_NOT_FOUND, PATH_NOT_FILE, PATH_NOT_FOLDER, FOLDER_NOT_EMPTY, PATH_REFUSED
 */
export function renamePath(
  { root, books, still }: Writer,
  path: InnerPath,
  to: InnerPath,
): Promise<void> {
  return beside(root, path, "any", (parent, name) =>
    beside(root, to, "any", async (toParent, toName) => {
      const [found, taken] = [await parent.find(name), await toParent.find(toName)];
      if (found === undefined) throw new HostError("PATH_NOT_FOUND", { folder: root.purpose });
      if (found.kind === "other" || taken?.kind === "other")
        throw refused(root.purpose, "names a link, a pipe, a socket or a device");
      if ((path.isFolder || to.isFolder) && found.kind === "file")
        throw new HostError("PATH_NOT_FOLDER", { folder: root.purpose });
      const isReplaced = taken !== undefined && taken.inode !== found.inode;
      const bytes = isReplaced && taken.kind === "file" ? -taken.bytes : 0;
      await books.add(bytes, isReplaced ? -1 : 0, () => {
        still();
        return parent.rename(name, toParent, toName);
      });
    }),
  );
}

/** Makes a folder. @throws PATH_EXISTS, PATH_NOT_FOUND, FILES_FULL, PATH_REFUSED */
export async function makeFolder({ root, books, still }: Writer, path: InnerPath): Promise<void> {
  if (path.names.length === 0) throw new HostError("PATH_EXISTS", { folder: root.purpose });
  await beside(root, path, "any", async (parent, name) => {
    if ((await parent.find(name)) !== undefined)
      throw new HostError("PATH_EXISTS", { folder: root.purpose });
    await books.add(0, 1, () => {
      still();
      return parent.makeFolder(name);
    });
  });
}
