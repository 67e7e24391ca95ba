import { HostError } from "#manifests/errors.ts";

/** Returns the `errno` name of an error of the file system; empty for any other. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : "";
}

/**
 * Returns what a guest is told of an error of the file system: never a path of the host.
 *
 * @param folder  purpose of the folder
 */
export function faultOf(error: unknown, folder: string): unknown {
  const code = errnoOf(error);
  const options = { cause: error };
  switch (code) {
    case "":
      return error;
    case "ENOENT":
      return new HostError("PATH_NOT_FOUND", { folder }, options);
    case "EEXIST":
      return new HostError("PATH_EXISTS", { folder }, options);
    case "ENOTDIR":
      return new HostError("PATH_NOT_FOLDER", { folder }, options);
    case "EISDIR":
      return new HostError("PATH_NOT_FILE", { folder }, options);
    case "ENOTEMPTY":
      return new HostError("FOLDER_NOT_EMPTY", { folder }, options);
    case "ELOOP":
      return linkRefused(folder);
    case "ENAMETOOLONG":
      return refused(folder, "is longer than the file system allows");
    case "EINVAL":
      return refused(folder, "is none that the file system allows");
    case "ENOSPC":
    case "EDQUOT":
      return new HostError("STORAGE_FULL", {}, options);
    default:
      return new HostError("FILES_FAILED", { folder, reason: code }, options);
  }
}

/** Returns the refusal of a path that leads through a link. */
export function linkRefused(folder: string): HostError {
  return refused(folder, "leads through a link");
}

/** Returns the refusal of a path for a reason that follows `it`. */
export function refused(folder: string, problem: string): HostError {
  return new HostError("PATH_REFUSED", { folder, problem });
}
