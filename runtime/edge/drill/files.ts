import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ask, asker } from "./capabilities.ts";
import { broken, type Drill, held, type Outcome, skipped } from "./drill.ts";
import type { Ground } from "./ground.ts";

const treasure = "a treasure that lies outside";
/** Reads while a folder is exchanged for a link again and again. */
const raceReads = 150;

/** A plugin with a folder that an operator chose, and what lies beside it. */
async function reader(ground: Ground): Promise<{ inside: string; outside: string }> {
  const inside = join(ground.folder, "granted");
  const outside = join(ground.folder, "beside");
  if (ground.host.plugins.list().some(({ id }) => id === "local/reader"))
    return { inside, outside };
  for (const folder of [inside, outside]) await mkdir(folder, { recursive: true });
  await writeFile(join(outside, "treasure"), treasure);
  await writeFile(join(inside, "own"), "its own");
  const grant = { name: "data", folder: inside, access: "write", quota: "1MiB" } as const;
  const grants = { grants: 1 as const, files: [grant] };
  await ground.install(asker(ground, { id: "reader", grants }));
  return { inside, outside };
}

type Tool = "files_read" | "files_list" | "files_write";

async function tryPath(ground: Ground, tool: Tool, path: string): Promise<string | undefined> {
  const more = tool === "files_write" ? { value: "x" } : {};
  const { ok, error } = await ask(ground, "reader", tool, { folder: "data", path, ...more });
  if (JSON.stringify(ok ?? {}).includes("treasure")) return undefined;
  return error?.code;
}

async function ownFile(ground: Ground): Promise<Outcome> {
  await reader(ground);
  const { ok, error } = await ask(ground, "reader", "files_read", { folder: "data", path: "own" });
  if (error?.code === "FILES_UNSUPPORTED")
    return skipped("this machine has no folders for plugins");
  return ok === undefined ? broken(error?.code ?? "no answer") : held("what was granted is read");
}

async function leadOut(ground: Ground): Promise<Outcome> {
  const { outside } = await reader(ground);
  const paths = [
    ...["../beside/treasure", "a/../../beside/treasure", "./../beside/treasure", ".."],
    ...[join(outside, "treasure"), "/etc/passwd", "//etc/passwd"],
    ...["own/../../beside/treasure", "own\u0000/../x", "/proc/self/environ"],
  ];
  for (const path of paths)
    for (const tool of ["files_read", "files_list", "files_write"] as const)
      if ((await tryPath(ground, tool, path)) === undefined) return broken(`${tool} of ${path}`);
  const left = await readdir(outside);
  if (left.join() !== "treasure") return broken(`beside the folder lies ${left.join(", ")}`);
  return held(`${paths.length} paths that lead out were refused, to read, list and write`);
}

async function links(ground: Ground): Promise<Outcome> {
  const { inside, outside } = await reader(ground);
  await symlink(join(outside, "treasure"), join(inside, "link"));
  await symlink(outside, join(inside, "folder-link"));
  for (const path of ["link", "folder-link/treasure", "folder-link"])
    for (const tool of ["files_read", "files_list", "files_write"] as const)
      if ((await tryPath(ground, tool, path)) === undefined) return broken(`${tool} of ${path}`);
  return held("links that lead out were refused, to read, list and write");
}

async function race(ground: Ground): Promise<Outcome> {
  const { inside, outside } = await reader(ground);
  const [place, folder, link] = ["place", ".folder", ".link"].map((name) => join(inside, name));
  if (!place || !folder || !link) return broken("no place");
  await mkdir(place);
  await writeFile(join(place, "treasure"), "its own");
  await symlink(outside, link);
  const running = { is: true, swaps: 0 };
  const swapper = (async () => {
    for (; running.is; running.swaps++) {
      await rename(place, folder);
      await rename(link, place);
      await nextTurn();
      await rename(place, link);
      await rename(folder, place);
    }
  })();
  try {
    for (let count = 0; count < raceReads; count++) {
      const request = { folder: "data", path: "place/treasure" };
      const { ok } = await ask(ground, "reader", "files_read", request);
      if (JSON.stringify(ok ?? {}).includes("outside")) return broken("it read what lies outside");
    }
    return held(`${raceReads} reads while a folder became a link ${running.swaps} times`);
  } finally {
    running.is = false;
    await swapper;
    await rm(place, { recursive: true, force: true });
  }
}

/** Attacks through a folder that was granted, on what lies outside it. */
export const fileDrills: readonly Drill[] = [
  { name: "granted file", rule: "What was granted works", run: ownFile },
  { name: "paths that lead out", rule: "No path leads out of a granted folder", run: leadOut },
  { name: "links that lead out", rule: "No link leads out of a granted folder", run: links },
  {
    name: "link race",
    rule: "A folder that becomes a link while it is read leads nowhere",
    run: race,
  },
];
