import type { Readable, Writable } from "node:stream";
import { styleText } from "node:util";
import { confirm, isCancel, password, select, selectKey, spinner, text } from "@clack/prompts";
import { HostError } from "#manifests/errors.ts";
import { bytesText } from "#manifests/units.ts";

/** How a piece of our own text looks on a terminal; elsewhere it makes no difference. */
export type Paint = "bold" | "dim" | "red" | "yellow" | "green" | "cyan";

/** Returns text in a style. */
export type Painter = (style: Paint, text: string) => string;

/** Columns of the bar of long work. */
const barColumns = 21;
/** Columns of a screen that does not say. */
const columnsUnknown = 80;

/** The three streams of a command; each may be a terminal or not. */
export interface Streams {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly errors: Writable & { readonly isTTY?: boolean; readonly columns?: number };
}

/** Long work that is being shown; silent where no person looks. */
export interface Progress {
  say(step: string): void;
  /** Moves the bar: `number` of `of` steps have begun. */
  at(step: string, number: number, of: number): void;
  /** Ends with a last line; nothing is left of it when `text` is left out. */
  end(text?: string): void;
}

/** Where a command speaks: results on the output, everything meant for a person beside it. */
export interface Terminal {
  /** A person can be asked: input and errors are both terminals. */
  readonly isInteractive: boolean;
  /** Results are read by a person and not by a program. */
  readonly isScreen: boolean;
  /** Columns of the screen; 80 where there is none. */
  readonly columns: number;
  /** Writes a result as it is, with a line break after text. */
  result(content: string | Uint8Array): void;
  /** Writes a line for a person beside the results. */
  note(line: string): void;
  /** Returns text in a style when results go to a screen that wants colors. */
  paint(style: Paint, text: string): string;
  /** The same for what is written beside the results. */
  paintNote(style: Paint, text: string): string;
  /** Returns all of the standard input. @throws FILE_UNUSABLE */
  readAll(bytesMax: number): Promise<Uint8Array>;
  /** Asks a person; anything but a clear yes is no. */
  confirm(question: string): Promise<boolean>;
  /** Asks a person for a text that nobody else may read off the screen; undefined when they leave. */
  askHidden(question: string): Promise<string | undefined>;
  /** Asks for one of a few by a key; undefined when the person leaves. */
  pick(question: string, options: readonly Key[]): Promise<string | undefined>;
  /** Asks for one of many; undefined when the person leaves. */
  choose(question: string, options: readonly Choice[]): Promise<string | undefined>;
  /**
   * Asks for a line of text; undefined when the person leaves.
   *
   * @param check  returns why a text cannot be used
   */
  ask(
    question: string,
    initial: string,
    check: (text: string) => string | undefined,
  ): Promise<string | undefined>;
  progress(title: string): Progress;
}

/** An answer that a key gives; the last of several is what no clear answer means. */
export interface Key {
  readonly key: string;
  readonly label: string;
}

/** One of many answers. */
export interface Choice {
  readonly value: string;
  readonly label: string;
}

/**
 * Returns the terminal of a process.
 *
 * @param options.color  whether the person wants colors at all (`NO_COLOR`)
 */
export function createTerminal(streams: Streams, options: { readonly color: boolean }): Terminal {
  const { input, output, errors } = streams;
  const isInteractive = input.isTTY === true && errors.isTTY === true;
  const painter = (stream: { isTTY?: boolean }) => (style: Paint, text: string) =>
    options.color && stream.isTTY ? styleText(style, text, { validateStream: false }) : text;
  return {
    isInteractive,
    isScreen: output.isTTY === true,
    columns: output.columns || columnsUnknown,
    result: (content) => {
      output.write(typeof content === "string" ? `${content}\n` : content);
    },
    note: (line) => {
      errors.write(`${line}\n`);
    },
    paint: painter(output),
    paintNote: painter(errors),
    readAll: (bytesMax) => readAll(input, bytesMax),
    confirm: async (question) => {
      const answer = await confirm({
        message: question,
        initialValue: false,
        input,
        output: sized(errors),
        withGuide: false,
      });
      return !isCancel(answer) && answer;
    },
    ...promptsOf(streams),
    askHidden: async (question) => {
      // Not even its length is shown.
      const output = sized(errors);
      const typed = await password({
        message: question,
        mask: "",
        input,
        output,
        withGuide: false,
      });
      return isCancel(typed) ? undefined : typed;
    },
    progress: (title) =>
      errors.isTTY ? spinning(errors, title) : { say: () => {}, at: () => {}, end: () => {} },
  };
}

function promptsOf({ input, errors }: Streams): Pick<Terminal, "pick" | "choose" | "ask"> {
  const common = { input, output: sized(errors), withGuide: false };
  const given = (answer: string | symbol): string | undefined =>
    typeof answer === "string" ? answer : undefined;
  return {
    pick: async (message, keys) => {
      const options = keys.map(({ key, label }) => ({ value: key, label }));
      const last = keys.at(-1)?.key;
      return given(
        await selectKey({ ...common, message, options, ...(last && { initialValue: last }) }),
      );
    },
    choose: async (message, options) =>
      given(await select<string>({ ...common, message, options: [...options] })),
    ask: async (message, initialValue, check) => {
      const validate = (value: string | undefined) => check(value ?? "");
      return given(await text({ ...common, message, initialValue, validate }));
    },
  };
}

/** A terminal may not know its size (0 columns); then every letter would get a line of its own. */
function sized(stream: Streams["errors"]): Writable {
  if (stream.columns !== 0) return stream;
  return Object.defineProperty(Object.create(stream), "columns", { value: columnsUnknown });
}

async function readAll(input: Readable, bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw new HostError("FILE_UNUSABLE", {
        file: "the standard input",
        problem: `it has more than ${bytesText(bytesMax)}`,
      });
  }
  return Buffer.concat(chunks);
}

function spinning(errors: Writable, title: string): Progress {
  const shown = spinner({ output: sized(errors), indicator: "timer", withGuide: false });
  shown.start(title);
  return {
    say: (step) => shown.message(`${title}: ${step}`),
    at: (step, number, of) =>
      shown.message(`${title} ${barOf(number, of)} ${step} (${number} of ${of})`),
    end: (text) => (text === undefined ? shown.clear() : shown.stop(text)),
  };
}

function barOf(number: number, of: number): string {
  const full = Math.round((barColumns * Math.min(number, of)) / Math.max(of, 1));
  return "█".repeat(full) + "░".repeat(barColumns - full);
}
