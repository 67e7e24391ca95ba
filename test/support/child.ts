import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A Node process that runs one file and says lines. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Returns its next line; undefined when there is none any more. */
  line(): Promise<string | undefined>;
  /** Returns every line that comes until its end. */
  rest(): Promise<string[]>;
  /** Ends it as the kernel does when memory runs out: it can do nothing about it. */
  kill(): Promise<void>;
}

/** Starts a file of this repository; what it writes to its error output is shown. */
export function startChild(file: string, words: readonly string[]): Child {
  const child: ChildProcess = spawn(process.execPath, [file, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    pid: child.pid ?? 0,
    line: async () => (await lines.next()).value,
    rest: async () => {
      const found: string[] = [];
      for (let next = await lines.next(); !next.done; next = await lines.next())
        found.push(next.value);
      return found;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
