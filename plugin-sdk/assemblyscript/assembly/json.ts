// JSON for plugins: a reader (RFC 8259, strict) and a writer of strings.
//
// AssemblyScript has no dynamic objects, so a value is one node with a kind. A text that is no JSON
// gives null, never a trap: a `single` instance must survive a bad answer.

/** What a node holds. */
export enum Kind {
  Null,
  False,
  True,
  Number,
  String,
  Array,
  Object,
}

/** One JSON value. */
export class Json {
  kind: Kind = Kind.Null;
  /** The text of a string. */
  text: string = "";
  /** The value of a number. */
  number: f64 = 0;
  /** The items of an array, or the values of an object, in order. */
  items: Array<Json> = [];
  /** The keys of an object, in order. */
  keys: Array<string> = [];
  /** Where the value stands in the text that was read, so that it can be passed on as it is. */
  start: i32 = 0;
  end: i32 = 0;

  /** Gives the member of an object, or null; the last one counts when a key is there twice. */
  get(key: string): Json | null {
    const index = this.keys.lastIndexOf(key);
    return index < 0 ? null : this.items[index];
  }

  /** Gives the string under a key, or null when it is absent or no string. */
  textOf(key: string): string | null {
    const value = this.get(key);
    return value === null || value.kind != Kind.String ? null : value.text;
  }
}

/** Gives the value that a text holds, or null when the text is no JSON or too deep. */
export function parse(text: string): Json | null {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.space();
  return value === null || reader.at != text.length ? null : value;
}

/** Gives a text as a JSON string, quotes included. */
export function quote(text: string): string {
  const parts = new Array<string>();
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x20 && code != 0x22 && code != 0x5c) continue;
    parts.push(text.substring(from, at));
    parts.push(escapeOf(code));
    from = at + 1;
  }
  parts.push(text.substring(from));
  return '"' + parts.join("") + '"';
}

function escapeOf(code: i32): string {
  if (code == 0x22) return '\\"';
  if (code == 0x5c) return "\\\\";
  if (code == 0x0a) return "\\n";
  return "\\u" + code.toString(16).padStart(4, "0");
}

// The host bounds messages to this depth; a deeper one is none of its own.
const DEPTH_MAX: i32 = 64;

class Reader {
  at: i32 = 0;

  constructor(public text: string) {}

  value(depth: i32): Json | null {
    this.space();
    if (depth > DEPTH_MAX) return null;
    const start = this.at;
    const found = this.any(depth);
    if (found === null) return null;
    found.start = start;
    found.end = this.at;
    return found;
  }

  any(depth: i32): Json | null {
    const code = this.peek();
    if (code == 0x22) return this.string();
    if (code == 0x7b) return this.object(depth);
    if (code == 0x5b) return this.array(depth);
    if (code == 0x74) return this.word("true", Kind.True);
    if (code == 0x66) return this.word("false", Kind.False);
    if (code == 0x6e) return this.word("null", Kind.Null);
    return this.number();
  }

  object(depth: i32): Json | null {
    const node = new Json();
    node.kind = Kind.Object;
    this.at++;
    this.space();
    if (this.take(0x7d)) return node;
    do {
      this.space();
      if (this.peek() != 0x22) return null;
      const key = this.string();
      this.space();
      if (key === null || !this.take(0x3a)) return null;
      const item = this.value(depth + 1);
      if (item === null) return null;
      node.keys.push(key.text);
      node.items.push(item);
      this.space();
    } while (this.take(0x2c));
    return this.take(0x7d) ? node : null;
  }

  array(depth: i32): Json | null {
    const node = new Json();
    node.kind = Kind.Array;
    this.at++;
    this.space();
    if (this.take(0x5d)) return node;
    do {
      const item = this.value(depth + 1);
      if (item === null) return null;
      node.items.push(item);
      this.space();
    } while (this.take(0x2c));
    return this.take(0x5d) ? node : null;
  }

  string(): Json | null {
    const parts = new Array<string>();
    let from = ++this.at;
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code < 0x20) return null;
      if (code == 0x22) {
        parts.push(this.text.substring(from, this.at++));
        const node = new Json();
        node.kind = Kind.String;
        node.text = parts.join("");
        return node;
      }
      if (code == 0x5c) {
        parts.push(this.text.substring(from, this.at++));
        const escaped = this.escaped();
        if (escaped < 0) return null;
        parts.push(String.fromCharCode(escaped));
        from = this.at;
      } else this.at++;
    }
    return null;
  }

  // The unit after a backslash, or -1.
  escaped(): i32 {
    const code = this.peek();
    this.at++;
    if (code == 0x22 || code == 0x5c || code == 0x2f) return code;
    if (code == 0x62) return 0x08;
    if (code == 0x66) return 0x0c;
    if (code == 0x6e) return 0x0a;
    if (code == 0x72) return 0x0d;
    if (code == 0x74) return 0x09;
    if (code != 0x75) return -1;
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexOf(this.peek());
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
      this.at++;
    }
    return unit;
  }

  number(): Json | null {
    const start = this.at;
    this.take(0x2d);
    if (!this.take(0x30) && !this.digits()) return null;
    if (this.take(0x2e) && !this.digits()) return null;
    if (this.take(0x65) || this.take(0x45)) {
      if (!this.take(0x2b)) this.take(0x2d);
      if (!this.digits()) return null;
    }
    const node = new Json();
    node.kind = Kind.Number;
    node.number = parseFloat(this.text.substring(start, this.at));
    return node;
  }

  digits(): bool {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    return this.at > start;
  }

  word(word: string, kind: Kind): Json | null {
    if (this.text.substr(this.at, word.length) != word) return null;
    this.at += word.length;
    const node = new Json();
    node.kind = kind;
    return node;
  }

  space(): void {
    for (;;) {
      const code = this.peek();
      if (code != 0x20 && code != 0x09 && code != 0x0a && code != 0x0d) return;
      this.at++;
    }
  }

  take(code: i32): bool {
    if (this.peek() != code) return false;
    this.at++;
    return true;
  }

  peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }
}

function hexOf(code: i32): i32 {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
