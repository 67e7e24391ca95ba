import { CommanderError } from "commander";
import { errors, HostError } from "#manifests/errors.ts";
import { untrustedLine, untrustedName } from "../../untrusted.ts";
import { type Problem, ProblemError } from "./door.ts";
import type { Terminal } from "./terminal.ts";

/** What a command's exit tells a script. */
export const exitCodes = { ok: 0, refused: 1, usage: 2, fault: 3 } as const;

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** How a failure is written: for a person, or as one line of JSON for a program. */
export interface ReportOptions {
  readonly json: boolean;
}

/**
 * Writes a failure beside the results and returns the exit code that it means.
 *
 * A bug of ours is written with its stack: whoever runs the command owns the machine.
 *
 * @param error  whatever was thrown; its texts may be untrusted
 */
export function report(error: unknown, terminal: Terminal, options: ReportOptions): ExitCode {
  // Commander has written its own words by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const problem = problemOf(error);
  if (options.json) terminal.note(JSON.stringify({ error: shownFields(problem) }));
  else for (const line of linesOf(problem, terminal)) terminal.note(line);
  if (problem.code === "INTERNAL" && error instanceof Error && !(error instanceof ProblemError))
    terminal.note(untrustedStack(error));
  return exitCodeOf(problem);
}

function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const { code, status, message, hint } =
    error instanceof HostError ? error : new HostError("INTERNAL", {});
  return { code, status, detail: message, hint, requestId: undefined };
}

function exitCodeOf({ code, status }: Problem): ExitCode {
  if (code === "USAGE_INVALID") return exitCodes.usage;
  return status >= 500 ? exitCodes.fault : exitCodes.refused;
}

function shownFields({ code, status, detail, hint, requestId }: Problem) {
  const texts = { code, detail, hint, ...(requestId === undefined ? {} : { requestId }) };
  const shown = Object.entries(texts).map(([key, text]) => [key, untrustedLine(text)]);
  return { status, ...Object.fromEntries(shown) };
}

function linesOf(problem: Problem, terminal: Terminal): string[] {
  const label = `error ${untrustedName(problem.code)}:`;
  const hint = hintOf(problem);
  return [
    `${terminal.paintNote("red", label)} ${untrustedLine(problem.detail)}`,
    ...(hint === "" ? [] : [`${terminal.paintNote("cyan", "hint:")} ${hint}`]),
  ];
}

function hintOf({ code, hint, requestId }: Problem): string {
  const own = untrustedLine(hint);
  if (code !== "INTERNAL" || requestId === undefined) return own;
  return `${errors.INTERNAL.hint}: ${untrustedName(requestId)}`;
}

function untrustedStack(error: Error): string {
  const lines = (error.stack ?? error.message).split("\n").slice(0, 20);
  return lines.map(untrustedLine).join("\n");
}
