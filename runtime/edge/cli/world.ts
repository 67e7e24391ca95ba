import type { Command } from "commander";
import { HostError } from "#manifests/errors.ts";
import type { Environment } from "../../environment.ts";
import { untrustedJson } from "../../untrusted.ts";
import type { Door } from "./door.ts";
import type { HostMaker } from "./host-maker.ts";
import type { ExitCode } from "./report.ts";
import type { Terminal } from "./terminal.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly url?: string;
  readonly keyFile?: string;
  readonly plainHttp?: boolean;
  readonly json?: boolean;
}

/** What a command has to work with; made once a process. */
export interface World {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The options given before or after the command's name. */
  readonly options: () => GlobalOptions;
  /** The way to the host that the options name; the caller disposes it. */
  readonly openDoor: () => Promise<Door>;
  /** Absolute path of the home that the options name. */
  readonly home: () => string;
  readonly makeHost: HostMaker;
  readonly signals: Signals;
  /** Ends the process at once. */
  readonly exit: (code: ExitCode) => void;
}

/** The signals that a process gets. */
export interface Signals {
  /** Hears one kind of signal until disposed. */
  on(name: "SIGTERM" | "SIGINT" | "SIGHUP", hear: () => void): Disposable;
}

/** Adds one command to its parent. */
export type AddCommand = (parent: Command, world: World) => void;

/** Writes a result: JSON for a program, or text for a person. */
export function show(world: World, value: unknown, render: () => string): void {
  const { terminal } = world;
  const indent = terminal.isScreen ? 2 : 0;
  terminal.result(world.options().json ? untrustedJson(value, indent) : render());
}

/**
 * Runs an act on the host that the options name, and closes the way to it.
 *
 * @throws ANSWER_INVALID when a host answered in another shape than the act reads
 */
export async function withDoor<Result>(
  world: World,
  act: (door: Door) => Promise<Result>,
): Promise<Result> {
  await using door = await world.openDoor();
  try {
    return await act(door);
  } catch (cause) {
    // What another process sends is not ours to trust; inside this one it is a bug.
    if (door.kind === "inside" || !(cause instanceof TypeError)) throw cause;
    const reason = "it has another shape than this version reads";
    throw new HostError("ANSWER_INVALID", { where: door.where, reason }, { cause });
  }
}

/** Returns the path of a plugin under `/plugins`; the slash of an id is no separator there. */
export function pluginPath(id: string, rest = ""): string {
  return `/plugins/${encodeURIComponent(id)}${rest}`;
}
