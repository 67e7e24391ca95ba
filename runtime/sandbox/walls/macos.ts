import { existsSync } from "node:fs";
import { linkedLibraries } from "./linked.ts";
import { readable, type Wall } from "./wall.ts";

const program = "/usr/bin/sandbox-exec";

/**
 * What a process may do under macOS: read Node, the system's libraries and its own sources, and talk
 * through the pipes that it has.
 *
 * @see https://reverse.put.as/wp-content/uploads/2011/09/Apple-Sandbox-Guide-v1.0.pdf
 */
const profile = `(version 1)
(deny default)
(allow process-exec* (literal (param "NODE")))
(allow signal (target self))
(allow sysctl-read)
(allow dynamic-code-generation)
(allow file-map-executable)
(allow file-read-metadata)
(allow file-read*
  (literal "/") (literal "/dev/null") (literal "/dev/random") (literal "/dev/urandom")
  (literal (param "NODE"))
  (subpath "/usr/lib") (subpath "/System/Library") (subpath "/System/Volumes/Preboot/Cryptexes")
  (subpath "/private/var/db/dyld")
  LIBRARIES)
(allow file-read* SOURCES)
`;

/** Returns the walls that macOS may have. */
export function macosWalls(root: string): readonly Wall[] {
  if (!existsSync(program)) return [];
  const node = process.execPath;
  const libraries = linkedLibraries().map((path) => `(literal ${quoted(path)})`);
  const sources = readable.map((path) =>
    path.endsWith("/")
      ? `(subpath ${quoted(`${root}${path}`.slice(0, -1))})`
      : `(literal ${quoted(`${root}${path}`)})`,
  );
  const text = profile
    .replace("LIBRARIES", () => libraries.join(" "))
    .replace("SOURCES", () => sources.join(" "));
  const before = [program, "-D", `NODE=${node}`, "-p", text];
  return [{ by: "sandbox-exec", gives: ["seatbelt"], before, node, root, tellsPid: false }];
}

function quoted(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
