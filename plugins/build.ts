// Builds the first-party plugins: `node plugins/build.ts [--list] [id…]`.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { Recipe } from "./recipes.ts";
import { recipes, root, run } from "./recipes.ts";

/** What became of one plugin; `reason` says why it was skipped or how it failed. */
export interface Outcome {
  readonly id: string;
  readonly language: string;
  readonly state: "built" | "current" | "stale" | "skipped" | "failed";
  readonly reason?: string;
}

/**
 * Builds one plugin when something it is made of has changed.
 *
 * The new file takes the old one's place in one step, so two builds at once do no harm.
 */
export async function build(id: string, recipe: Recipe): Promise<Outcome> {
  const found = await look(id, recipe);
  if (found.state !== "stale") return found;
  const folder = `${root}plugins/${id}/build`;
  mkdirSync(folder, { recursive: true });
  const fresh = `plugin.${process.pid}.wasm`;
  const done = await run(recipe.command(`plugins/${id}/build/${fresh}`));
  if (!done.ok) {
    rmSync(`${folder}/${fresh}`, { force: true });
    return { ...found, state: "failed", reason: done.text };
  }
  renameSync(`${folder}/${fresh}`, `${folder}/plugin.wasm`);
  writeFileSync(`${folder}/inputs.sha256`, hashOf(recipe));
  return { ...found, state: "built" };
}

/** Says how one plugin stands, without building it. */
export async function look(id: string, recipe: Recipe): Promise<Outcome> {
  const outcome = { id, language: recipe.language };
  if (isCurrent(id, recipe)) return { ...outcome, state: "current" };
  const reason = await recipe.lacks();
  return reason === undefined
    ? { ...outcome, state: "stale" }
    : { ...outcome, state: "skipped", reason };
}

function isCurrent(id: string, recipe: Recipe): boolean {
  const mark = `${root}plugins/${id}/build/inputs.sha256`;
  return (
    existsSync(`${root}plugins/${id}/build/plugin.wasm`) &&
    existsSync(mark) &&
    readFileSync(mark, "utf8") === hashOf(recipe)
  );
}

// Content and not time: a fresh checkout gives every file the same age.
function hashOf(recipe: Recipe): string {
  const hash = createHash("sha256");
  for (const file of ["plugins/recipes.ts", ...recipe.inputs].flatMap(filesOf).sort()) {
    const bytes = readFileSync(`${root}${file}`);
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function filesOf(path: string): string[] {
  const found = statSync(`${root}${path}`, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (found.isFile()) return [path];
  return readdirSync(`${root}${path}`).flatMap((name) => filesOf(`${path}/${name}`));
}

function lineOf({ id, language, state, reason }: Outcome): string {
  return `${id}: ${state}${reason === undefined ? ` (${language})` : `, ${reason}`}`;
}

async function main(words: readonly string[]): Promise<number> {
  const ids = words.filter((word) => !word.startsWith("--"));
  const unknown = ids.filter((id) => !recipes.has(id));
  if (unknown.length > 0) {
    console.error(
      `no such plugin: ${unknown.join(", ")}; there are ${[...recipes.keys()].join(", ")}`,
    );
    return 2;
  }
  const wanted = [...recipes].filter(([id]) => ids.length === 0 || ids.includes(id));
  const act = words.includes("--list") ? look : build;
  const outcomes = await Promise.all(wanted.map(([id, recipe]) => act(id, recipe)));
  if (words.includes("--list")) console.log(JSON.stringify(outcomes, undefined, 2));
  else for (const outcome of outcomes) console.log(lineOf(outcome));
  return outcomes.some(({ state }) => state === "failed") ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
