import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

/** The root of the checkout; every path of a recipe is relative to it. */
export const root: string = new URL("..", import.meta.url).pathname;

/** One program to run, from the root of the checkout unless `folder` says otherwise. */
export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** How one plugin becomes `build/plugin.wasm`. */
export interface Recipe {
  readonly language: string;
  /** Files and folders whose content decides whether the plugin has to be built again. */
  readonly inputs: readonly string[];
  /** Gives what the machine lacks ("needs Go 1.24 or newer"), or undefined when it lacks nothing. */
  readonly lacks: () => Promise<string | undefined>;
  /** Gives the command that writes the plugin to a file. */
  readonly command: (file: string) => Command;
}

const kit = "plugin-sdk/assemblyscript/assembly";
const asc = "node_modules/assemblyscript/bin/asc.js";

/** The recipe of every first-party plugin, by id. */
export const recipes: ReadonlyMap<string, Recipe> = new Map([
  ["vowels", assemblyScript("vowels")],
  ["text-report", assemblyScript("text-report")],
  ["notes", assemblyScript("notes")],
]);

/**
 * Runs a program to its end and gives what it printed.
 *
 * Ten minutes is far beyond the slowest build (Go with an empty cache takes one), so only a program
 * that hangs meets it.
 *
 * @returns  `ok: false` with the program's complaint when it cannot be started or fails
 */
export async function run(command: Command): Promise<{ ok: boolean; text: string }> {
  try {
    const { stdout } = await promisify(execFile)(command.program, [...command.arguments], {
      cwd: `${root}${command.folder ?? ""}`,
      env: { ...process.env, ...command.environment },
      timeout: 600_000,
      maxBuffer: 16 * 1024 * 1024,
    });
    return { ok: true, text: stdout.trim() };
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string };
    return { ok: false, text: `${stdout ?? ""}${stderr ?? ""}`.trim() || message };
  }
}

function assemblyScript(id: string): Recipe {
  return {
    language: "AssemblyScript",
    inputs: [`plugins/${id}/assembly`, kit, "node_modules/assemblyscript/package.json"],
    lacks: async () => (existsSync(`${root}${asc}`) ? undefined : "needs `npm ci`"),
    command: (file) => ({
      program: process.execPath,
      arguments: [
        ...[asc, `plugins/${id}/assembly/index.ts`, "-o", file],
        ...["--use", `abort=${kit}/pdk/onAbort`, "-Oz", "--runtime", "incremental"],
      ],
    }),
  };
}
