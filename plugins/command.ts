import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The root of the checkout; every path of a recipe is relative to it. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** One program to run, from the root of the checkout unless `folder` says otherwise. */
export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

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
