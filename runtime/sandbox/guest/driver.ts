/** A guest that is ready for one call, and hears how that went. None of these may throw. */
export interface Entrant {
  /** What `Driver.entry` gave for the export that is to be called. */
  readonly entry: number;
  /** Waits for a turn on the thread; undefined when it may run now. */
  turn(): Promise<void> | undefined;
  /** Begins its time. False when it is over already, so that nothing is called. */
  begin(): boolean;
  /** Hears what the export returned; 0 when it returns nothing. */
  returned(result: number): void;
  trapped(error: unknown): void;
}

/**
 * Calls guests, many on one suspendable stack: `next` takes what the last one returned and says
 * whom to call now, or -1.
 *
 * (module
 *   (type $plain (func))
 *   (type $returning (func (result i32)))
 *   (type $next (func (param i32 i32) (result i32)))
 *   (type $run (func (param i32)))
 *   (import "d" "n" (func $next (type $next)))
 *   (table (export "t") 64 funcref)
 *   (func (export "r") (type $run) (local $entry i32) (local $result i32)
 *     (loop $again
 *       (local.set $entry (call $next (local.get 0) (local.get $result)))
 *       (if (i32.ge_s (local.get $entry) (i32.const 0)) (then
 *         (local.set $result
 *           (if (result i32) (i32.and (local.get $entry) (i32.const 1))
 *             (then (call_indirect (type $returning) (i32.shr_u (local.get $entry) (i32.const 1))))
 *             (else
 *               (call_indirect (type $plain) (i32.shr_u (local.get $entry) (i32.const 1)))
 *               (i32.const 0))))
 *         (br $again))))))
 */
const driverModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
  ...[0x01, 0x12, 0x04], // types
  ...[0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x7f], // plain, returning
  ...[0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x01, 0x7f, 0x00], // next, run
  ...[0x02, 0x07, 0x01, 0x01, 0x64, 0x01, 0x6e, 0x00, 0x02], // import "d" "n"
  ...[0x03, 0x02, 0x01, 0x03], // one function
  ...[0x04, 0x04, 0x01, 0x70, 0x00, 0x40], // one table
  ...[0x07, 0x09, 0x02, 0x01, 0x74, 0x01, 0x00, 0x01, 0x72, 0x00, 0x01], // export "t", "r"
  ...[0x0a, 0x38, 0x01, 0x36, 0x01, 0x02, 0x7f], // code: two locals
  ...[0x03, 0x40, 0x20, 0x00, 0x20, 0x02, 0x10, 0x00, 0x21, 0x01], // loop: entry = next()
  ...[0x20, 0x01, 0x41, 0x00, 0x4e, 0x04, 0x40], // if (entry >= 0)
  ...[0x20, 0x01, 0x41, 0x01, 0x71, 0x04, 0x7f], // if (entry & 1)
  ...[0x20, 0x01, 0x41, 0x01, 0x76, 0x11, 0x01, 0x00, 0x05], // returning; else
  ...[0x20, 0x01, 0x41, 0x01, 0x76, 0x11, 0x00, 0x00, 0x41, 0x00, 0x0b], // plain, 0; end
  ...[0x21, 0x02, 0x0c, 0x01, 0x0b, 0x0b, 0x0b], // result; again; end
);

interface DriverExports {
  readonly t: WebAssembly.Table;
  readonly r: WebAssembly.ExportValue;
}

/**
 * Enters guests. A suspendable stack for each call would cost more than a small call does, so that
 * guests which are ready together run one after the other on the same; when one of them waits, it
 * keeps the stack, and the others go on with the next.
 */
export class Driver {
  readonly #table: WebAssembly.Table;
  readonly #run: (stack: number) => Promise<unknown>;
  readonly #vacant: number[] = [];
  #places = 0;
  /** Who runs or waits on each stack. */
  readonly #current: (Entrant | undefined)[] = [];
  readonly #idle: number[] = [];
  readonly #ready = new Line();
  /** Those that waited for their turn and have it now. */
  readonly #called = new Line();
  #scheduled = false;
  readonly #drive = (): void => this.#enterAll();

  constructor() {
    const next = (stack: number, result: number): number => this.#next(stack, result);
    const module = new WebAssembly.Module(driverModule);
    const { exports } = new WebAssembly.Instance(module, { d: { n: next } });
    const { t, r } = exports as unknown as DriverExports;
    this.#table = t;
    this.#run = WebAssembly.promising(r) as (stack: number) => Promise<unknown>;
  }

  /**
   * Takes an export without parameters into the table, until `forget`.
   *
   * @param returns whether it returns an i32, else it returns nothing
   */
  entry(exported: WebAssembly.ExportValue, returns: boolean): number {
    const place = this.#vacant.pop() ?? this.#places++;
    if (place >= this.#table.length) this.#table.grow(this.#table.length);
    this.#table.set(place, exported);
    return place * 2 + (returns ? 1 : 0);
  }

  /** Lets an export go, and its instance with it. */
  forget(entry: number): void {
    const place = entry >>> 1;
    this.#table.set(place, null);
    this.#vacant.push(place);
  }

  /** Calls the guest once, soon: before the next turn of the event loop when it need not wait. */
  enter(entrant: Entrant): void {
    this.#ready.push(entrant);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#drive);
  }

  #enterAll(): void {
    this.#scheduled = false;
    while (!this.#called.isEmpty || !this.#ready.isEmpty) {
      const stack = this.#idle.pop() ?? this.#current.push(undefined) - 1;
      this.#run(stack).then(
        () => this.#idle.push(stack),
        (error: unknown) => this.#trapped(stack, error),
      );
    }
  }

  #next(stack: number, result: number): number {
    const last = this.#current[stack];
    this.#current[stack] = undefined;
    last?.returned(result);
    for (let entrant = this.#take(); entrant; entrant = this.#take()) {
      if (!entrant.begin()) continue;
      this.#current[stack] = entrant;
      return entrant.entry;
    }
    return -1;
  }

  /** Who may run now; those that have to wait for a turn come back when they have it. */
  #take(): Entrant | undefined {
    const called = this.#called.shift();
    if (called) return called;
    for (let entrant = this.#ready.shift(); entrant; entrant = this.#ready.shift()) {
      const turn = entrant.turn();
      if (turn === undefined) return entrant;
      this.#callLater(entrant, turn);
    }
    return undefined;
  }

  #callLater(entrant: Entrant, turn: Promise<void>): void {
    void turn.then(() => {
      this.#called.push(entrant);
      this.#schedule();
    });
  }

  #trapped(stack: number, error: unknown): void {
    const entrant = this.#current[stack];
    this.#current[stack] = undefined;
    this.#idle.push(stack);
    if (entrant === undefined) throw error;
    entrant.trapped(error);
  }
}

/** First in, first out, in constant time. */
class Line {
  #entrants: (Entrant | undefined)[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#entrants.length;
  }

  push(entrant: Entrant): void {
    this.#entrants.push(entrant);
  }

  shift(): Entrant | undefined {
    const entrant = this.#entrants[this.#first];
    if (entrant === undefined) return undefined;
    this.#entrants[this.#first] = undefined;
    this.#first += 1;
    if (this.isEmpty) {
      this.#entrants.length = 0;
      this.#first = 0;
    }
    return entrant;
  }
}
