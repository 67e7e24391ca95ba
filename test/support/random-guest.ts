/** A label in scope: what a branch to it carries, and for a loop the local that counts its rounds. */
interface Label {
  readonly name: string;
  readonly carries: "nothing" | "i32";
  readonly rounds?: string;
}

/** What the statements of a function know of where they stand. */
interface Scope {
  readonly labels: readonly Label[];
  /** Blocks around, and loops among them. */
  readonly depth: number;
  readonly loops: number;
}

const signatures = [
  { type: "$binary", takes: 2, text: "(param i32 i32) (result i32)" },
  { type: "$pair", takes: 1, text: "(param i32) (result i32 i64)" },
  { type: "$none", takes: 0, text: "" },
] as const;

/** Statements of a body; blocks in it have fewer. */
const bodyMost = 12;

const locals = ["$a", "$b", "$c", "$d"];
const binaryOperations = [
  ...["add", "sub", "mul", "xor", "or", "and", "shl", "shr_u", "rotl", "lt_s", "gt_u", "eq"],
  ...["add", "sub", "xor", "ne", "shr_s", "le_u", "add", "sub", "xor", "eq", "rem_u"],
];

/**
 * Writes a guest whose every decision is taken from bytes, so that a shorter list is a simpler guest.
 *
 * It ends: loops count down, functions call only those before them, and after 20,000 entries and
 * rounds it traps. It exports `run` (i32, i32) → i32, `memory`, and `work`, the count of them.
 */
export function randomGuest(bytes: Uint8Array): string {
  return new Author(bytes).module();
}

class Author {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end = 2;
  #names = 0;
  /** Locals that count the rounds of loops of the function under way. */
  #rounds: string[] = [];
  #returnsOne = false;
  #function = 0;
  /** The types of the functions written so far. */
  readonly #types: (typeof signatures)[number][] = [];
  readonly #throws: boolean;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#throws = this.#choice(2) === 1;
  }

  module(): string {
    const count = 2 + this.#choice(3);
    const share = Math.floor((this.#bytes.length - this.#at) / count);
    const functions = Array.from({ length: count }, (_, index) => {
      this.#function = index;
      this.#at = 2 + index * share;
      this.#end = this.#at + share;
      const signature = index === count - 1 ? signatures[0] : this.#one(signatures);
      const body = this.#body(signature);
      this.#types.push(signature);
      return body;
    });
    return `(module
      (import "host" "look" (func $look (param i32) (result i32)))
      (tag $e (param i32))
      ${signatures.map(({ type, text }) => `(type ${type} (func ${text}))`).join(" ")}
      (memory (export "memory") 2 6)
      (table $t 8 16 funcref) (elem (i32.const 0) func ${functions.map((_, i) => `$f${i}`).join(" ")})
      (global $g (mut i32) (i32.const 7)) (global $work (export "work") (mut i32) (i32.const 0))
      (data $d "some text that is copied")
      ${functions.join("\n")}
      (export "run" (func $f${count - 1})))`;
  }

  #choice(below: number): number {
    const byte = this.#at < this.#end ? (this.#bytes[this.#at++] ?? 0) : 0;
    return byte % below;
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#choice(items.length)] as Item;
  }

  #name(kind: string): string {
    return `$${kind}${this.#names++}`;
  }

  #body({ type, takes }: (typeof signatures)[number]): string {
    this.#rounds = [];
    this.#returnsOne = type === "$binary";
    const label: Label = { name: "$out", carries: "i32" };
    const labels = type === "$binary" ? [label] : [];
    const statements = this.#statements({ labels, depth: 0, loops: 0 }, bodyMost);
    const params = locals.slice(0, takes).map((local) => `(param ${local} i32)`);
    const own = locals.slice(takes).concat(this.#rounds);
    const results =
      type === "$binary" ? "(result i32)" : type === "$pair" ? "(result i32 i64)" : "";
    const end =
      type === "$binary"
        ? this.#value(2)
        : type === "$pair"
          ? `${this.#value(2)} (i64.extend_i32_s ${this.#value(1)})`
          : "";
    const inside = `${statements} ${end}`;
    const body = type === "$binary" ? `(block $out (result i32) ${inside})` : inside;
    return `(func $f${this.#function} ${params.join(" ")} ${results}
      ${own.map((local) => `(local ${local} i32)`).join(" ")} ${work} ${body})`;
  }

  #statements(scope: Scope, most: number): string {
    const count = this.#choice(most + 1);
    return Array.from({ length: most === bodyMost ? most : count }, () =>
      this.#statement(scope),
    ).join("\n");
  }

  #statement(scope: Scope): string {
    if (scope.depth > 4) return this.#simple();
    const inner = (labels: readonly Label[], loops = 0): Scope => ({
      labels: [...scope.labels, ...labels],
      depth: scope.depth + 1,
      loops: scope.loops + loops,
    });
    switch (this.#choice(14)) {
      case 0: {
        const then = this.#statements(inner([]), 4);
        return `(if ${this.#value(2)} (then ${then}) (else ${this.#statements(inner([]), 4)}))`;
      }
      case 1: {
        const name = this.#name("block");
        return `(block ${name} ${this.#statements(inner([{ name, carries: "nothing" }]), 5)})`;
      }
      case 2: {
        const name = this.#name("value");
        const body = this.#statements(inner([{ name, carries: "i32" }]), 4);
        return `(local.set ${this.#one(locals)} (block ${name} (result i32) ${body} ${this.#value(2)}))`;
      }
      case 3:
      case 4:
        return scope.loops < 3 ? this.#loop(inner) : this.#simple();
      case 5:
        return scope.loops < 3 ? this.#typedLoop(inner) : this.#simple();
      case 6:
      case 7:
        return this.#branch(scope);
      case 8:
        return this.#branchTable(scope);
      case 9:
        return this.#throws ? this.#attempt(scope, inner) : this.#simple();
      case 10:
      case 11:
        return scope.loops < 2 ? this.#call() : this.#simple();
      default:
        return this.#simple();
    }
  }

  #loop(inner: (labels: readonly Label[], loops: number) => Scope): string {
    const [name, rounds] = [this.#name("loop"), this.#name("rounds")];
    this.#rounds.push(rounds);
    const body = this.#statements(inner([{ name, carries: "nothing", rounds }], 1), 4);
    return `(local.set ${rounds} (i32.const ${1 + this.#choice(5)}))
      (loop ${name} ${work} (local.set ${rounds} (i32.sub (local.get ${rounds}) (i32.const 1)))
        ${body} (br_if ${name} (i32.gt_s (local.get ${rounds}) (i32.const 0))))`;
  }

  #typedLoop(inner: (labels: readonly Label[], loops: number) => Scope): string {
    const [name, rounds] = [this.#name("loop"), this.#name("rounds")];
    this.#rounds.push(rounds);
    const local = this.#one(locals);
    const body = this.#statements(inner([{ name, carries: "i32", rounds }], 1), 3);
    return `(local.set ${rounds} (i32.const ${1 + this.#choice(4)}))
      ${this.#value(1)} (loop ${name} (param i32) (result i32) (local.set ${local}) ${work}
        (local.set ${rounds} (i32.sub (local.get ${rounds}) (i32.const 1))) ${body}
        (local.get ${local}) (br_if ${name} (i32.gt_s (local.get ${rounds}) (i32.const 0))))
      (local.set ${local})`;
  }

  /** A condition, true only if all these loops have rounds left. */
  #when(labels: readonly Label[]): string {
    const left = labels.flatMap(({ rounds }) => rounds ?? []);
    return left.reduce(
      (condition, rounds) =>
        `(i32.and (i32.gt_s (local.get ${rounds}) (i32.const 0)) (i32.ne ${condition} (i32.const 0)))`,
      this.#value(2),
    );
  }

  #branch({ labels }: Scope): string {
    if (labels.length === 0) return this.#simple();
    const label = this.#one(labels);
    const carried = label.carries === "i32" ? this.#value(1) : "";
    if (label.name === "$out" && this.#choice(2) === 1)
      return `(if ${this.#when([])} (then (return ${carried})))`;
    if (this.#choice(2) === 0)
      return `(if ${this.#when([label])} (then (br ${label.name} ${carried})))`;
    const drop = label.carries === "i32" ? "(drop)" : "";
    return `${carried} ${this.#when([label])} (br_if ${label.name}) ${drop}`;
  }

  #branchTable({ labels }: Scope): string {
    const carries = this.#one(["nothing", "i32"] as const);
    const possible = labels.filter((label) => label.carries === carries);
    if (possible.length === 0) return this.#simple();
    const targets = Array.from({ length: 1 + this.#choice(4) }, () => this.#one(possible));
    const carried = carries === "i32" ? this.#value(1) : "";
    const names = targets.map(({ name }) => name).join(" ");
    return `(if ${this.#when(targets)} (then ${carried} (br_table ${names} ${this.#value(1)})))`;
  }

  #attempt(scope: Scope, inner: (labels: readonly Label[]) => Scope): string {
    const body = this.#statements(inner([]), 3);
    const thrown = `(if ${this.#value(1)} (then (throw $e ${this.#value(1)})))`;
    const whole = `${body} ${this.#choice(2) === 0 ? thrown : ""}`;
    switch (this.#choice(4)) {
      case 0:
        return `(try (do ${whole}) (catch $e (local.set ${this.#one(locals)})))`;
      case 1:
        return `(try (do ${whole}) (catch_all ${this.#statements(inner([]), 2)}))`;
      case 2:
        return `(try (do (try (do ${whole}) (delegate 0))) (catch_all ${this.#branch(scope)}))`;
      default:
        return `(try (do (try $inner (do ${whole}) (catch_all (rethrow $inner))))
          (catch $e (global.set $g)))`;
    }
  }

  #call(): string {
    const values = (count: number) => Array.from({ length: count }, () => this.#value(1)).join(" ");
    const kind = this.#choice(6);
    if (kind === 0) return `(local.set ${this.#one(locals)} (call $look ${this.#value(1)}))`;
    if (kind === 1 && this.#function > 0) {
      // Lower ones only, so that all ends; traps when the function there is of another type.
      const fitting = this.#types.findIndex(({ type }) => type === "$binary");
      const any = `(i32.rem_u ${this.#value(1)} (i32.const ${this.#function}))`;
      const index = fitting < 0 || this.#choice(8) === 7 ? any : `(i32.const ${fitting})`;
      return `(local.set ${this.#one(locals)}
        (call_indirect $t (type $binary) ${values(2)} ${index}))`;
    }
    if (this.#function === 0) return this.#simple();
    const callee = this.#choice(this.#function);
    const call = `call $f${callee} ${values(this.#types[callee]?.takes ?? 0)}`;
    switch (this.#types[callee]?.type) {
      case "$binary":
        if (kind === 2) return `(if ${this.#value(2)} (then (drop (${call})) ${this.#tail()}))`;
        return `(local.set ${this.#one(locals)} (${call}))`;
      case "$pair":
        return `(${call}) (i32.wrap_i64) (i32.xor) (local.set ${this.#one(locals)})`;
      default:
        return `(${call})`;
    }
  }

  /** Ends the function by a call, if one of the same type was written before. */
  #tail(): string {
    const callee = this.#types.findIndex(({ type }) => type === "$binary");
    if (callee < 0 || !this.#returnsOne) return "";
    return `(return_call $f${callee} ${this.#value(1)} ${this.#value(1)})`;
  }

  #simple(): string {
    const address = () => `(i32.and ${this.#value(1)} (i32.const 65535))`;
    switch (this.#choice(11)) {
      case 0:
        return `(global.set $g ${this.#value(2)})`;
      case 1:
        return `(i32.store offset=${this.#choice(200)} ${address()} ${this.#value(2)})`;
      case 2:
        return `(memory.copy ${address()} ${address()} (i32.const ${this.#choice(256)}))`;
      case 3:
        return `(memory.fill ${address()} ${this.#value(1)} ${address()})`;
      case 4:
        return `(memory.init $d ${address()} (i32.const 3) (i32.const ${this.#choice(24)}))`;
      case 5:
        return `(memory.copy ${address()} ${address()} ${address()})`;
      case 6:
        return `(local.set ${this.#one(locals)} (memory.grow (i32.const ${this.#choice(3)})))`;
      case 7:
        return `(local.set ${this.#one(locals)}
          (table.grow $t (ref.func $f0) (i32.const ${this.#choice(4)})))`;
      case 8:
        return `(drop (ref.is_null (table.get $t (i32.const ${this.#choice(8)}))))`;
      default:
        return `(local.set ${this.#one(locals)} ${this.#value(4)})`;
    }
  }

  #value(depth: number): string {
    const kind = this.#choice(depth > 0 ? 8 : 3);
    const below = () => this.#value(depth - 1);
    switch (kind) {
      case 0:
      case 1:
        return `(local.get ${this.#one(locals)})`;
      case 2:
        return `(i32.const ${this.#choice(256) - 100})`;
      case 3:
        return `(i32.load8_u (i32.and ${below()} (i32.const 65535)))`;
      case 4:
        return "(global.get $g)";
      case 5:
        return `(select ${below()} ${below()} ${below()})`;
      default:
        return `(i32.${this.#one(binaryOperations)} ${below()} ${below()})`;
    }
  }
}

/** Counts an entry or a round, and ends a guest that has run long enough. */
const work = `(global.set $work (i32.add (global.get $work) (i32.const 1)))
  (if (i32.gt_u (global.get $work) (i32.const 20000)) (then (unreachable)))`;
