import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { packageLimits } from "./limits.ts";

/** Where the manifest of every package is. */
export const manifestPath = "manifest.json";

const segmentForm = /^[A-Za-z0-9_@+~ .,()-]+$/;
// Names that Windows gives to devices, with any ending.
const deviceForm = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** The paths of a package, so that no two of them are one file on some system. */
export interface PathSet {
  /** @throws PACKAGE_INVALID */
  addFile(path: string): void;
  /** @throws PACKAGE_INVALID */
  addFolder(path: string): void;
}

/** Returns an empty set. */
export function createPathSet(): PathSet {
  // By path in lower case, which is all there is to fold: only ASCII is admitted.
  const seen = new Map<string, { readonly path: string; readonly kind: "file" | "folder" }>();
  const add = (path: string, kind: "file" | "folder"): void => {
    const before = seen.get(path.toLowerCase());
    if (before === undefined) seen.set(path.toLowerCase(), { path, kind });
    else if (before.path !== path || before.kind !== kind || kind === "file")
      throw new HostError("PACKAGE_INVALID", {
        reason: `${quote(path)} and ${quote(before.path)} are in each other's way`,
      });
  };
  const addAbove = (path: string): void => {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1))
      add(path.slice(0, end), "folder");
  };
  return {
    addFile: (path) => {
      addAbove(path);
      add(path, "file");
    },
    addFolder: (path) => {
      addAbove(path);
      add(path, "folder");
    },
  };
}

/**
 * Returns a path of a package that means one place inside it on every system.
 *
 * @param path  untrusted
 * @throws PACKAGE_INVALID
 */
export function checkPath(path: string): string {
  const segments = path.split("/");
  const isGood =
    path.length <= packageLimits.pathCharsMax &&
    segments.length <= packageLimits.depthMax &&
    segments.every(isSegment);
  if (isGood) return path;
  throw new HostError("PACKAGE_INVALID", {
    reason: `${quote(path)} is not a path that packages may have`,
  });
}

function isSegment(segment: string): boolean {
  return (
    segment.length <= packageLimits.segmentCharsMax &&
    segmentForm.test(segment) &&
    !deviceForm.test(segment) &&
    // Windows drops these at the end of a name; `.` and `..` are among them.
    !/[. ]$/.test(segment)
  );
}
