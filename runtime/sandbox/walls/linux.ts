import { existsSync } from "node:fs";
import { linkedLibraries } from "./linked.ts";
import { compileFilter, hasFilter } from "./seccomp.ts";
import { readable, type Wall } from "./wall.ts";

/** Where programs of the system lie; a variable of the environment has no say in it. */
const folders = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/** Folder of the project, and Node, as a process in a namespace of its own sees them. */
const insideRoot = "/convergio/";
const insideNode = "/convergio/bin/node";

/**
 * Returns the walls that Linux may have, strongest first.
 *
 * @param root  folder of the project, with a slash at its end
 */
export function linuxWalls(root: string): readonly Wall[] {
  return [...bubblewrap(root), ...setpriv(root)];
}

function bubblewrap(root: string): readonly Wall[] {
  const program = find("bwrap");
  if (program === undefined) return [];
  const namespaces: Wall = {
    by: "bubblewrap",
    gives: ["namespaces", "no-new-privileges"],
    before: [program, ...namespaceOptions(root), "--info-fd", "4", "--"],
    ...{ node: insideNode, root: insideRoot, tellsPid: true },
  };
  const { arch } = process;
  if (!hasFilter(arch)) return [namespaces];
  const filtered: Wall = {
    ...namespaces,
    by: "bubblewrap with a filter",
    gives: [...namespaces.gives, "seccomp"],
    before: [program, ...namespaceOptions(root), "--seccomp", "3", "--info-fd", "4", "--"],
    filter: compileFilter(arch),
  };
  return [filtered, namespaces];
}

/** Everything of its own, and in its file tree nothing but Node, what Node links, and the sandbox. */
function namespaceOptions(root: string): readonly string[] {
  const sources = readable.map((path) => path.replace(/\/$/, ""));
  return [
    ...["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    // No process of its own that would only wait: it is the first of its namespace itself.
    "--as-pid-1",
    ...["--hostname", "runner"],
    ...["--ro-bind", process.execPath, insideNode],
    ...linkedLibraries().flatMap((path) => ["--ro-bind", path, path]),
    ...sources.flatMap((path) => ["--ro-bind", `${root}${path}`, `${insideRoot}${path}`]),
    ...["--remount-ro", "/", "--chdir", "/"],
  ];
}

function setpriv(root: string): readonly Wall[] {
  const program = find("setpriv");
  if (program === undefined) return [];
  const wall = (...options: readonly string[]): Wall => ({
    by: "setpriv",
    gives: ["no-new-privileges"],
    before: [program, "--no-new-privs", "--pdeathsig", "KILL", ...options, "--"],
    ...{ node: process.execPath, root, tellsPid: false },
  });
  // Only who has powers can give them up.
  return [wall("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"), wall()];
}

function find(name: string): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}
