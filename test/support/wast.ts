/** A form of a script of the WebAssembly specification: an atom, a text or a list, with its source. */
export interface Form {
  readonly source: string;
  /** The word of an atom or the first word of a list; empty for a text. */
  readonly head: string;
  /** What follows the first word of a list. */
  readonly items: readonly Form[];
  /** The bytes of a text. */
  readonly text: Uint8Array | undefined;
}

/** Splits a script (`.wast`) into its forms. */
export function parseScript(source: string): readonly Form[] {
  const script = new Script(source);
  const forms: Form[] = [];
  for (let form = script.next(); form; form = script.next()) forms.push(form);
  return forms;
}

const blank = /(?:\s|;;[^\n]*)+/y;
const atom = /[^\s();"]+/y;
const text = /"(?:[^"\\]|\\[\s\S])*"/y;

class Script {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** The next form, nothing at the end or before a closing parenthesis. */
  next(): Form | undefined {
    this.#skip();
    const start = this.#at;
    if (this.#source[start] === '"') {
      const source = this.#take(text);
      return { source, head: "", items: [], text: bytesOf(source) };
    }
    if (this.#source[start] !== "(") {
      const source = this.#take(atom);
      return source === "" ? undefined : { source, head: source, items: [], text: undefined };
    }
    this.#at++;
    const items: Form[] = [];
    for (let item = this.next(); item; item = this.next()) items.push(item);
    this.#at++;
    const source = this.#source.slice(start, this.#at);
    const [first, ...rest] = items;
    const isNamed = first?.items.length === 0 && first.text === undefined;
    return {
      source,
      head: isNamed ? first.head : "",
      items: isNamed ? rest : items,
      text: undefined,
    };
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ""] = pattern.exec(this.#source) ?? [];
    this.#at += found.length;
    return found;
  }

  #skip(): void {
    for (;;) {
      this.#take(blank);
      if (!this.#source.startsWith("(;", this.#at)) return;
      for (let depth = 0; ; this.#at++) {
        if (this.#source.startsWith("(;", this.#at)) depth++;
        else if (this.#source.startsWith(";)", this.#at) && --depth === 0) break;
        if (this.#at >= this.#source.length) return;
      }
      this.#at += 2;
    }
  }
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** The bytes that a quoted text stands for. */
function bytesOf(quoted: string): Uint8Array {
  const parts = quoted
    .slice(1, -1)
    .matchAll(/\\u\{([0-9a-f_]+)\}|\\([0-9a-f]{2})|\\(.)|([^\\]+)/gi);
  return Buffer.concat(
    [...parts].map(([, point, byte, escaped, plain]) => {
      if (byte !== undefined) return Buffer.from([Number.parseInt(byte, 16)]);
      if (point !== undefined)
        return Buffer.from(String.fromCodePoint(Number.parseInt(point.replaceAll("_", ""), 16)));
      return Buffer.from(escaped === undefined ? (plain ?? "") : (escapes[escaped] ?? escaped));
    }),
  );
}
