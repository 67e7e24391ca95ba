import assert from "node:assert/strict";
import type { SandboxedProcess } from "./process.ts";
import { createFrameReader, FrameError, FrameWriter } from "./wire.ts";

/** Longest frame from a runner: an output at its ceiling of 64 MiB, as JSON. */
const frameBytesMax = 130 * 1024 * 1024;
/** How long a process may take until it says that it is ready, in milliseconds. */
const startMs = 10_000;
/** What is kept of the words that a process ends with, in characters. */
const complaintMax = 2_000;

/** Starts a process with three pipes. */
export type StartProcess = () => SandboxedProcess;

/** Why a process ended. */
export interface PeerEnd {
  /** In the host's own words. */
  readonly reason: string;
  /** Whether the host ended it for no fault of its own. */
  readonly wanted: boolean;
}

/** Who listens to a process. */
export interface PeerPorts {
  /** @throws FrameError when the frame may not be: the process is killed */
  readonly onFrame: (type: number, body: Buffer) => void;
  /** Hears once that the process is gone. */
  readonly onEnd: (end: PeerEnd) => void;
}

/** A process on the other side of a pipe of frames, which is killed for the first that does not add up. */
export class Peer {
  readonly #process: SandboxedProcess;
  readonly writer: FrameWriter;
  /** Resolves when it says so; rejects when it ends before, with its last words. */
  readonly started: Promise<void>;
  readonly #resolve: () => void;
  #isReady = false;
  #hasSaid = false;
  #end: PeerEnd | undefined;

  constructor(start: StartProcess, ports: PeerPorts) {
    const child = start();
    this.#process = child;
    const { stdin, stdout, stderr } = child;
    assert(stdin && stdout && stderr);
    this.writer = new FrameWriter((chunk) => void stdin.write(chunk));
    stdout.on("data", this.#reader(ports));
    for (const pipe of [stdin, stdout, stderr]) pipe.on("error", () => {});
    const complaint = lastWords(stderr);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.kill("it did not start in time"), startMs);
    this.started = promise;
    // Who waits for it hears; nobody else has to.
    promise.catch(() => {});
    this.#resolve = () => {
      clearTimeout(timer);
      resolve();
    };
    const end = (how: string): void => {
      clearTimeout(timer);
      this.#end ??= { reason: how, wanted: false };
      reject(new Error(`${this.#end.reason} ${complaint()}`.trim()));
      // A child of its wall may hold the other ends: nobody waits for that.
      for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
      ports.onEnd(this.#end);
    };
    // A process that could not be started never exits.
    child.once("error", () => child.pid === undefined && end("it could not be started"));
    child.once("exit", (code, signal) => end(`it ended by itself (${signal ?? code})`));
  }

  /** Number of the process itself; until it is known, that of the wall in front of it. */
  get pid(): number | undefined {
    return this.#process.innerPid ?? this.#process.pid;
  }

  /** True from the moment that its end is decided. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Whether bytes are on their way: to it, or from it since this was last asked. */
  get isTalking(): boolean {
    const hasSaid = this.#hasSaid;
    this.#hasSaid = false;
    return hasSaid || (this.#process.stdin?.writableLength ?? 0) > 0;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Notes that it has said it is ready. */
  ready(): void {
    this.#isReady = true;
    this.#resolve();
  }

  /** Ends it for what it did. */
  kill(reason: string): void {
    this.#finish({ reason, wanted: false });
  }

  /** Ends it because nobody needs it any more. */
  stop(reason: string): void {
    this.#finish({ reason, wanted: true });
  }

  #finish(end: PeerEnd): void {
    this.#end ??= end;
    this.#process.kill("SIGKILL");
  }

  #reader({ onFrame }: PeerPorts): (chunk: Buffer) => void {
    const read = createFrameReader(frameBytesMax, (type, body) => {
      if (this.#end === undefined) onFrame(type, body);
    });
    return (chunk) => {
      if (this.#end !== undefined) return;
      this.#hasSaid = true;
      try {
        read(chunk);
      } catch (error) {
        this.kill(error instanceof FrameError ? error.message : "a frame that does not add up");
      }
    };
  }
}

/** Returns what gives the last words of a process; it goes on reading, so that the pipe never fills. */
function lastWords(stderr: NodeJS.ReadableStream): () => string {
  let words = "";
  stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-complaintMax);
  });
  return () => words;
}
