import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "#runtime/environment.ts";
import type { HostMaker } from "#runtime/edge/cli/host-maker.ts";
import { run } from "#runtime/edge/cli/run.ts";
import type { Host } from "#runtime/host.ts";

/** What a command left behind. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** How a command is run inside the test's own process. */
export interface RunOptions {
  /** The host that a command without another one gets. */
  readonly host?: Host;
  readonly home: string;
  /** What the person types, or what is piped in. */
  readonly input?: string;
  /** What the person types at which question, in this order. */
  readonly types?: readonly Typed[];
  /** Whether all three streams are terminals. */
  readonly isTerminal?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Words of a question, and the keys that answer it. */
export type Typed = readonly [question: string, keys: string];

/** Path of the program that people start. */
export const program = fileURLToPath(new URL("../../bin/convergio.js", import.meta.url));

/** Returns a home that is not there yet, in a folder that goes with the test. */
export async function temporaryHome(): Promise<{ home: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "convergio-"));
  return {
    home: join(folder, "home"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs a command in this process, against a host that the test made. */
export async function runInside(words: readonly string[], options: RunOptions): Promise<Ran> {
  const { host, home, input = "", isTerminal = false, variables = {} } = options;
  const [output, errors] = [heard(isTerminal), heard(isTerminal)];
  const keyboard = typed(input, isTerminal);
  if (options.types !== undefined) typeAt(keyboard, errors.stream, options.types);
  const makeHost: HostMaker = async () => {
    if (host === undefined) throw new TypeError("this command was not to make a host");
    return host;
  };
  const code = await run(words, {
    streams: { input: keyboard, output: output.stream, errors: errors.stream },
    makeHost,
    environment: readEnvironment({ CONVERGIO_HOME: home, ...variables }),
    signals: { on: () => ({ [Symbol.dispose]() {} }) },
    exit: () => {},
  });
  return { code, out: output.text(), err: errors.text() };
}

/** Runs the program as people do. */
export async function runProgram(
  words: readonly string[],
  options: {
    readonly home: string;
    readonly input?: string;
    readonly variables?: NodeJS.ProcessEnv;
  },
): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...words], {
    env: { ...pathOnly(), CONVERGIO_HOME: options.home, ...options.variables },
  });
  child.stdin.end(options.input ?? "");
  const [out, err] = [child.stdout, child.stderr].map(collect);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once("close", resolve);
  const code = await promise;
  return { code, out: out?.() ?? "", err: err?.() ?? "" };
}

/** Nothing of who runs the tests reaches the program: no settings, no color, no home. */
function pathOnly(): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { PATH };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

/** A keyboard: raw mode is what prompts ask of a terminal. */
function typed(text: string, isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, setRawMode: () => stream });
  if (isTTY) setImmediate(() => stream.write(text));
  else stream.end(text);
  return stream;
}

/** Types each answer once its question is on the screen. */
function typeAt(keyboard: PassThrough, screen: PassThrough, types: readonly Typed[]): void {
  const waiting = [...types];
  let seen = "";
  screen.on("data", (chunk: Buffer) => {
    seen += stripVTControlCharacters(chunk.toString("utf8"));
    const [question = "", keys = ""] = waiting[0] ?? [];
    if (waiting.length === 0 || !seen.includes(question)) return;
    waiting.shift();
    seen = "";
    // The prompt listens once it has drawn itself.
    setImmediate(() => keyboard.write(keys));
  });
}

function heard(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  return { stream, text: collect(stream) };
}
