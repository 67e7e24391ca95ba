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
  ["markdown", go("markdown")],
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

// Not before Go 1.24 can a wasip1 module be a library; the toolchain of the machine is used as it is.
function go(id: string): Recipe {
  const folder = `plugins/${id}`;
  const environment = { GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "", CGO_ENABLED: "0" };
  return {
    language: "Go",
    inputs: ["main.go", "go.mod", "go.sum"]
      .map((name) => `${folder}/${name}`)
      .concat("plugin-sdk/go"),
    lacks: async () => {
      const version = await run({ program: "go", arguments: ["env", "GOVERSION"], environment });
      const [, minor] = /^go1\.(\d+)/.exec(version.text) ?? [];
      if (!version.ok || Number(minor ?? 0) < 24) return "needs Go 1.24 or newer";
      const modules = { program: "go", arguments: ["mod", "download"], folder, environment };
      return (await run(modules)).ok
        ? undefined
        : "needs the modules of go.mod (`go mod download`)";
    },
    command: (file) => ({
      program: "go",
      arguments: [
        ...["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"],
        ...["-o", `${root}${file}`, "."],
      ],
      folder,
      environment: { ...environment, GOOS: "wasip1", GOARCH: "wasm" },
    }),
  };
}
