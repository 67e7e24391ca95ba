import type { Command } from "commander";

/** Adds an example to the help of a command; every command that acts has one. */
export function example(command: Command, line: string): void {
  command.addHelpText("after", `\nExample:\n  $ ${line}`);
}
