import assert from "node:assert/strict";
import { test } from "node:test";
import { createDeath } from "#runtime/sandbox/guest/death.ts";
import { wat } from "#test/support/wat.ts";

/**
 * Attacker: a guest that wraps every import in a handler for everything, so that it lives on when the
 * host ends it. `handled` is what its export answers when the handler ran.
 */
const handled = 777;

/** `(try (do (call $import)) (catch_all …))`, the handlers of the first exceptions proposal. */
const catchAll = await wat(`(module (import "host" "f" (func $f))
  (func (export "run") (result i32)
    (try (result i32) (do (call $f) (i32.const 1)) (catch_all (i32.const ${handled})))))`);

/** `(try_table (catch_all 0) (call $import))`, those of the second, which our assembler does not know. */
const tryTable = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x08, 0x02, 0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x7f], // () -> (), () -> i32
  ...[0x02, 0x0a, 0x01, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x01, 0x66, 0x00, 0x00], // host.f
  ...[0x03, 0x02, 0x01, 0x01],
  ...[0x07, 0x07, 0x01, 0x03, 0x72, 0x75, 0x6e, 0x00, 0x01], // run
  ...[0x0a, 0x15, 0x01, 0x13, 0x00],
  ...[0x02, 0x40], // block
  ...[0x1f, 0x40, 0x01, 0x02, 0x00], // try_table (catch_all 0)
  ...[0x10, 0x00, 0x0b], // call host.f; end
  ...[0x41, 0x01, 0x0f, 0x0b], // i32.const 1; return; end
  ...[0x41, 0x89, 0x06, 0x0b], // i32.const 777; end
);

const guests = { catch_all: catchAll, try_table: tryTable };

function run(bytes: Uint8Array, f: WebAssembly.ExportValue): Promise<unknown> {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const { exports } = new WebAssembly.Instance(module, { host: { f } });
  const { run: start } = exports as { run: WebAssembly.ExportValue };
  return WebAssembly.promising(start)();
}

for (const [handler, bytes] of Object.entries(guests)) {
  test(`${handler} handles an error that JavaScript made, which is why death is needed`, async () => {
    const thrown = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    assert.equal(await run(bytes, thrown), handled);
    assert.equal(await run(bytes, new WebAssembly.Suspending(async () => thrown())), handled);
  });

  test(`error() goes through ${handler} when a plain import throws it, every time`, async () => {
    const death = createDeath<string>();
    const error = death.error("deadline");
    for (let times = 0; times < 3; times++)
      await assert.rejects(
        run(bytes, () => {
          throw error;
        }),
        (thrown) => death.reasonOf(thrown) === "deadline",
      );
  });

  test(`error() goes through ${handler} as the rejection of a suspended import`, async () => {
    const death = createDeath<string>();
    const waiting = new WebAssembly.Suspending(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      throw death.error("cancelled");
    });
    await assert.rejects(run(bytes, waiting), (thrown) => death.reasonOf(thrown) === "cancelled");
  });
}

test("a guest cannot handle the overflow of its stack, in its own code or in an import's", async () => {
  const guest = await wat(`(module (import "host" "f" (func $f))
    (func $deeper (local i64 i64) (try (do (call $f) (call $deeper)) (catch_all (unreachable))))
    (func (export "run") (result i32)
      (try (result i32) (do (call $deeper) (i32.const 1)) (catch_all (i32.const ${handled})))))`);
  const deep = (frames: number): number => (frames === 0 ? 0 : 1 + deep(frames - 1));
  for (const frames of [0, 50, 2_000])
    await assert.rejects(
      run(guest, () => deep(frames)),
      /Maximum call stack size exceeded/,
    );
});

test("reasonOf() is undefined for errors that were not made here", () => {
  const death = createDeath<string>();
  for (const other of [new Error("x"), createDeath<string>().error("y"), undefined, "z"])
    assert.equal(death.reasonOf(other), undefined);
});
