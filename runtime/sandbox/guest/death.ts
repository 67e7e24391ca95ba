import assert from "node:assert/strict";

/** Ends guests with errors that no guest can catch, and knows why each was made. */
export interface Death<Reason = unknown> {
  /**
   * Returns an error that a guest's `catch_all` does not see, thrown by an import or as the
   * rejection of a suspended one. Every call makes a new one.
   */
  error(reason: Reason): Error;
  /** Returns why an error was made, or undefined for one that was not made here. */
  reasonOf(error: unknown): Reason | undefined;
}

/**
 * `(module (func (export "f") unreachable))`: the engine marks the error of a real trap as
 * uncatchable, and the mark stays on the object. An error that JavaScript made has no such mark.
 *
 * @see https://webassembly.github.io/spec/js-api/#exported-function-exotic-objects
 */
const trapModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // type () -> ()
  ...[0x03, 0x02, 0x01, 0x00], // one function
  ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00], // export it as "f"
  ...[0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b], // unreachable; end
);

/** Creates the source of such errors; one serves all instances of a process. */
export function createDeath<Reason>(): Death<Reason> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(trapModule));
  const { f: trap } = exports as { f: () => never };
  const reasons = new WeakMap<Error, Reason>();
  return {
    error(reason) {
      const error = trapped(trap);
      reasons.set(error, reason);
      return error;
    },
    reasonOf: (error) => (error instanceof Error ? reasons.get(error) : undefined),
  };
}

function trapped(trap: () => never): Error {
  try {
    trap();
  } catch (error) {
    assert(error instanceof WebAssembly.RuntimeError);
    return error;
  }
}
