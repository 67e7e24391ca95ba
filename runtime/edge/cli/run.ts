import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../clock.ts";
import { type Environment, readEnvironment } from "../../environment.ts";
import type { HostMaker } from "./host-maker.ts";
import { openDoor } from "./open-door.ts";
import { createProgram } from "./program.ts";
import { type ExitCode, exitCodes, report } from "./report.ts";
import { createTerminal, type Streams, type Terminal } from "./terminal.ts";
import type { GlobalOptions, Signals, World } from "./world.ts";

/** What the process gives to a command. */
export interface RunParts {
  readonly streams: Streams;
  readonly signals: Signals;
  readonly makeHost: HostMaker;
  /** That of the process when left out. */
  readonly environment?: Environment;
  readonly exit: (code: ExitCode) => void;
}

/**
 * Runs one command and returns the code to exit with; never throws.
 *
 * @param words  arguments after the program's name
 */
export async function run(words: readonly string[], parts: RunParts): Promise<ExitCode> {
  const { environment = readEnvironment() } = parts;
  const terminal = createTerminal(parts.streams, { color: environment.color });
  const json = words.includes("--json");
  try {
    const makeWorld = (program: Command) => worldOf(program, { parts, terminal, environment });
    const program = createProgram(makeWorld, ownVersion());
    await program.parseAsync(words.length === 0 ? ["--help"] : words, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    return report(error, terminal, { json });
  }
}

interface WorldParts {
  readonly parts: RunParts;
  readonly terminal: Terminal;
  readonly environment: Environment;
}

function worldOf(program: Command, { parts, terminal, environment }: WorldParts): World {
  const options = (): GlobalOptions => program.opts<GlobalOptions>();
  const world: World = {
    ...parts,
    terminal,
    environment,
    options,
    now: systemClock().now,
    home: () => resolve(options().home ?? environment.home),
    openDoor: () => openDoor(world),
  };
  return world;
}

function ownVersion(): string {
  const found: unknown = createRequire(import.meta.url)("../../../package.json");
  return (found as { version: string }).version;
}
