import { appendFile, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "./clock.ts";
import type { LogLine } from "./host.ts";

/** Bounds of the logs of guests. */
export interface LogBounds {
  /** Bytes at which a new file begins. */
  readonly fileBytes: number;
  readonly filesMax: number;
  readonly linesPerSecond: number;
}

/** Lines that guests log, apart from the host's own: one folder a plugin, bounded in files and rate. */
export interface GuestLogs extends AsyncDisposable {
  write(plugin: string, line: Omit<LogLine, "at">): void;
  /** The newest lines, oldest first. */
  read(plugin: string, limit: number): Promise<readonly LogLine[]>;
  follow(plugin: string, onLine: (line: LogLine) => void): Disposable;
  remove(plugin: string): Promise<void>;
}

interface Stream {
  pending: string[];
  writing: Promise<void>;
  second: number;
  lines: number;
  dropped: number;
  readonly listeners: Set<(line: LogLine) => void>;
}

/** Creates the logs under a folder of the home. */
export function createGuestLogs(folder: string, clock: Clock, bounds: LogBounds): GuestLogs {
  return new Files(folder, clock, bounds);
}

class Files implements GuestLogs {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #bounds: LogBounds;
  readonly #streams = new Map<string, Stream>();

  constructor(folder: string, clock: Clock, bounds: LogBounds) {
    this.#folder = folder;
    this.#clock = clock;
    this.#bounds = bounds;
  }

  write(plugin: string, line: Omit<LogLine, "at">): void {
    const stream = this.#stream(plugin);
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (second !== stream.second) {
      const { dropped } = stream;
      Object.assign(stream, { second, lines: 0, dropped: 0 });
      if (dropped > 0) this.#put(plugin, stream, droppedLine(dropped));
    }
    stream.lines += 1;
    if (stream.lines > this.#bounds.linesPerSecond) stream.dropped += 1;
    else this.#put(plugin, stream, line);
  }

  async read(plugin: string, limit: number): Promise<readonly LogLine[]> {
    await this.#stream(plugin).writing;
    const lines: LogLine[] = [];
    for (let index = 0; index < this.#bounds.filesMax && lines.length < limit; index++) {
      const own = await linesOf(this.#file(plugin, index), limit - lines.length);
      lines.unshift(...own);
    }
    return lines;
  }

  follow(plugin: string, onLine: (line: LogLine) => void): Disposable {
    const { listeners } = this.#stream(plugin);
    listeners.add(onLine);
    return { [Symbol.dispose]: () => void listeners.delete(onLine) };
  }

  async remove(plugin: string): Promise<void> {
    await this.#stream(plugin).writing;
    this.#streams.delete(plugin);
    await rm(dirname(this.#file(plugin, 0)), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#streams.values()].map(({ writing }) => writing));
  }

  #put(plugin: string, stream: Stream, said: Omit<LogLine, "at">): void {
    const line = { at: new Date(this.#clock.now()).toISOString(), ...said };
    for (const listener of stream.listeners) tell(listener, line);
    stream.pending.push(`${JSON.stringify(line)}\n`);
    if (stream.pending.length > 1) return;
    stream.writing = stream.writing.then(() => this.#flush(plugin, stream));
  }

  async #flush(plugin: string, stream: Stream): Promise<void> {
    const file = this.#file(plugin, 0);
    const text = stream.pending.join("");
    stream.pending = [];
    try {
      await mkdir(dirname(file), { recursive: true });
      const { size } = await stat(file).catch(() => ({ size: 0 }));
      if (size > this.#bounds.fileBytes) await this.#rotate(plugin);
      await appendFile(file, text);
    } catch {
      // A full disk loses lines of guests, never a call: they are no record that anything rests on.
    }
  }

  async #rotate(plugin: string): Promise<void> {
    for (let index = this.#bounds.filesMax - 1; index > 0; index--) {
      const from = this.#file(plugin, index - 1);
      await rename(from, this.#file(plugin, index)).catch(() => {});
    }
  }

  #file(plugin: string, index: number): string {
    return join(this.#folder, plugin, index === 0 ? "log.jsonl" : `log.${index}.jsonl`);
  }

  #stream(plugin: string): Stream {
    const known = this.#streams.get(plugin);
    if (known) return known;
    const made: Stream = {
      pending: [],
      writing: Promise.resolve(),
      second: -1,
      lines: 0,
      dropped: 0,
      listeners: new Set(),
    };
    this.#streams.set(plugin, made);
    return made;
  }
}

function droppedLine(count: number): Omit<LogLine, "at"> {
  return { callId: null, level: "warn", text: `${count} lines were dropped: too many in a second` };
}

/** Reads the last lines of a file, which is bounded; none of one that is not there. */
async function linesOf(file: string, limit: number): Promise<LogLine[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  // A power cut leaves half a line at most: one that does not end is none.
  const lines = text.split("\n").slice(0, -1).slice(-limit);
  return lines.flatMap(parsed);
}

/** What was half written before a power cut has the line after it glued to its end. */
function parsed(line: string): LogLine[] {
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return []; // Neither of them can be told apart from the other.
  }
}

function tell(listener: (line: LogLine) => void, line: LogLine): void {
  try {
    listener(line);
  } catch {
    // Whoever follows a log has no part in the call that writes to it.
  }
}
