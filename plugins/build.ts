// Builds the first-party plugins: `node plugins/build.ts [--list] [id…]`.
import { createHash, randomUUID } from "node:crypto";
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
import { dirname } from "node:path";
import { root, run } from "./command.ts";
import { recipes } from "./recipes.ts";

// Not in the plugin's own folder, which is a package: nothing comes and goes there while it is read.
const workshop = "build/plugins";

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
  const outcome = { id, language: recipe.language };
  if (isCurrent(id, recipe)) return { ...outcome, state: "current" };
  const toolchain = await recipe.toolchain();
  if ("lacks" in toolchain) return { ...outcome, state: "skipped", reason: toolchain.lacks };
  const fresh = `${workshop}/${randomUUID()}.wasm`;
  mkdirSync(`${root}${workshop}`, { recursive: true });
  const done = await run(toolchain.command(fresh));
  if (!done.ok) {
    rmSync(`${root}${fresh}`, { force: true });
    return { ...outcome, state: "failed", reason: done.text };
  }
  mkdirSync(dirname(`${root}${recipe.file}`), { recursive: true });
  renameSync(`${root}${fresh}`, `${root}${recipe.file}`);
  writeFileSync(markFile(id), hashOf(recipe));
  return { ...outcome, state: "built" };
}

/** Says how one plugin stands, without building it. */
export async function look(id: string, recipe: Recipe): Promise<Outcome> {
  const outcome = { id, language: recipe.language };
  if (isCurrent(id, recipe)) return { ...outcome, state: "current" };
  const toolchain = await recipe.toolchain();
  return "lacks" in toolchain
    ? { ...outcome, state: "skipped", reason: toolchain.lacks }
    : { ...outcome, state: "stale" };
}

function isCurrent(id: string, recipe: Recipe): boolean {
  return (
    existsSync(`${root}${recipe.file}`) &&
    existsSync(markFile(id)) &&
    readFileSync(markFile(id), "utf8") === hashOf(recipe)
  );
}

function markFile(id: string): string {
  return `${root}${workshop}/${id}.sha256`;
}

// Content and not time: a fresh checkout gives every file the same age.
function hashOf(recipe: Recipe): string {
  const hash = createHash("sha256");
  const inputs = ["plugins/recipes.ts", "plugins/toolchains.ts", ...recipe.inputs];
  for (const file of inputs.flatMap(filesOf).sort()) {
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
