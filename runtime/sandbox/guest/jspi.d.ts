/**
 * The part of WebAssembly that the library declarations of TypeScript do not know yet.
 *
 * @see https://github.com/WebAssembly/js-promise-integration
 */
declare namespace WebAssembly {
  /**
   * An import that suspends the guest until a promise settles.
   *
   * It may be called only below an export that `promising` wrapped, also when it would not wait.
   */
  const Suspending: new (wait: (...values: never[]) => unknown) => ExportValue;

  /** Returns an export as a function that answers a promise, below which the guest may suspend. */
  function promising(start: ExportValue): (...values: unknown[]) => Promise<unknown>;
}
