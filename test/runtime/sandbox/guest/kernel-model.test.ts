import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testKernel } from "./harness.ts";

/**
 * Attacker: a guest that allocates, frees and stores whatever it likes. The kernel is compared with a
 * model: a map of live blocks and a copy of every byte a guest can reach.
 */
const module = await testKernel();

interface Raw {
  readonly memory: WebAssembly.Memory;
  alloc(bytes: bigint): bigint;
  free(handle: bigint): void;
  length(handle: bigint): bigint;
  load_u8(at: bigint): number;
  load_u64(at: bigint): bigint;
  store_u8(at: bigint, value: number): void;
  store_u64(at: bigint, value: bigint): void;
  input_length(): bigint;
  input_offset(): bigint;
  host_input(at: number, bytes: number): void;
  host_used(): number;
  host_reset(): void;
}

const base = 128;

class Model {
  readonly raw: Raw;
  readonly live = new Map<bigint, number>();
  readonly everSeen: bigint[] = [0n];
  mirror = new Uint8Array();
  input = 0n;
  pages = 1;

  constructor(pagesMax: number) {
    const grow = (more: number) => {
      if (this.pages + more > pagesMax) return 0;
      this.pages += more;
      return 1;
    };
    this.raw = new WebAssembly.Instance(module, { kernel: { grow } }).exports as unknown as Raw;
  }

  /** Follows the kernel's high-water mark; what was never used before is zero. */
  follow(): void {
    const used = this.raw.host_used();
    if (used <= this.mirror.length) return;
    const larger = new Uint8Array(used);
    larger.set(this.mirror);
    this.mirror = larger;
  }

  alloc(bytes: number): void {
    const handle = this.raw.alloc(BigInt(bytes));
    this.follow();
    if (handle === 0n) return;
    assert.ok(bytes > 0, `alloc(${bytes}) gave ${handle}`);
    const end = Number(handle) + bytes;
    assert.ok(Number(handle) >= base && end <= base + this.mirror.length);
    for (const [other, length] of this.live)
      assert.ok(end <= Number(other) || Number(handle) >= Number(other) + length, "blocks overlap");
    this.live.set(handle, bytes);
    this.everSeen.push(handle);
  }

  free(handle: bigint): void {
    this.raw.free(handle);
    this.live.delete(handle);
    if (handle === this.input) this.input = 0n;
  }

  setInput(handle: bigint): void {
    const length = this.live.get(handle);
    if (length === undefined) return;
    this.raw.host_input(Number(handle), length);
    this.input = handle;
  }

  store(at: bigint, bytes: 1 | 8): void {
    const value = (at * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn;
    if (bytes === 1) this.raw.store_u8(BigInt.asIntN(64, at), Number(value & 0xffn));
    else this.raw.store_u64(BigInt.asIntN(64, at), BigInt.asIntN(64, value));
    const index = BigInt.asUintN(64, at) - BigInt(base);
    if (index < 0n || index + BigInt(bytes) > BigInt(this.mirror.length)) return;
    for (let byte = 0; byte < bytes; byte++)
      this.mirror[Number(index) + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
  }

  /** Stores at every place where a bound could be off by one, and all over the metadata. */
  storm(): void {
    const end = BigInt(this.raw.memory.buffer.byteLength);
    const high = BigInt(base + this.mirror.length);
    const edges = [0n, 64n, BigInt(base), high, end, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n];
    for (const edge of [...edges, ...[...this.live.keys()].map((handle) => handle + 2n ** 32n)])
      for (let offset = -9n; offset <= 9n; offset++) {
        this.store(edge + offset, 1);
        this.store(edge + offset, 8);
      }
    for (let at = high; at < end; at += (end - high) / 50n + 1n) this.store(at, 8);
  }

  reset(): void {
    this.raw.host_reset();
    this.live.clear();
    this.mirror = new Uint8Array();
    this.input = 0n;
  }

  /** Everything that a guest can see is what the model says. */
  check(): void {
    for (const handle of this.everSeen)
      assert.equal(this.raw.length(handle), BigInt(this.live.get(handle) ?? 0));
    assert.equal(this.raw.input_offset(), this.input);
    assert.equal(this.raw.input_length(), BigInt(this.live.get(this.input) ?? 0));
    assert.equal(this.raw.host_used(), this.mirror.length);
    const seen = Buffer.from(this.raw.memory.buffer, base, this.mirror.length);
    assert.equal(Buffer.compare(seen, this.mirror), 0, "bytes differ from what was stored");
    for (const at of [-8n, -1n, 0n, 127n, BigInt(base + this.mirror.length), 2n ** 63n - 1n])
      assert.equal(this.raw.load_u8(at), 0);
  }
}

const size = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 4, arbitrary: fc.integer({ min: 300, max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 300_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 2 ** 29, 2 ** 29 + 1, 2 ** 31, 2 ** 32 + 5) },
);
const pick = fc.nat(1_000_000);
const step = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant("alloc" as const), value: size }) },
  { weight: 24, arbitrary: fc.record({ kind: fc.constant("free" as const), value: pick }) },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant("store" as const), value: pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("bogus" as const), value: pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("input" as const), value: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("storm" as const), value: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset" as const), value: pick }) },
);

function take(model: Model, { kind, value }: { kind: string; value: number }): void {
  const seen = model.everSeen[value % model.everSeen.length] ?? 0n;
  if (kind === "alloc") model.alloc(value);
  else if (kind === "free") model.free(seen);
  else if (kind === "store") model.store(seen + BigInt(value % 70), value % 2 === 0 ? 8 : 1);
  else if (kind === "bogus") bogus(model, seen + BigInt((value % 200) - 100));
  else if (kind === "input") model.setInput(seen);
  else if (kind === "storm") model.storm();
  else model.reset();
}

/** Frees an address that is no handle, unless it happens to be one. */
function bogus(model: Model, at: bigint): void {
  if (!model.live.has(at)) model.raw.free(at);
}

test("kernel never hangs, traps, overlaps blocks or lets a guest at its metadata, in 10,000 random sequences", () => {
  const steps = fc.array(step, { maxLength: 80, size: "max" });
  const property = fc.property(steps, fc.constantFrom(1, 8, 40, 8192), (sequence, pagesMax) => {
    const model = new Model(pagesMax);
    for (const each of sequence) {
      take(model, each);
    }
    model.check();
    model.storm();
    model.check();
  });
  fc.assert(property, { numRuns: 10_000 });
});

test("kernel keeps its books when every step is checked", () => {
  const steps = fc.array(step, { maxLength: 200, size: "max" });
  const property = fc.property(steps, (sequence) => {
    const model = new Model(60);
    for (const each of sequence) {
      take(model, each);
      model.check();
    }
  });
  fc.assert(property, { numRuns: 300 });
});
