import type { Parts } from "./assemble.ts";

/** How often it is looked whether there is something to tidy, in milliseconds. */
const everyMs = 10_000;

/** Lets go what nobody needs any more: values whose time is over, and instances that nobody calls. */
export function keepHouse(parts: Parts): Disposable {
  const timer = setInterval(() => {
    // A failure is told by health: writes are refused from then on.
    parts.store.kv.sweep().catch(() => {});
    if (parts.store.hot.failure === undefined) parts.grants.keep();
    const { idleMs } = parts.config.current.pools;
    for (const { loaded } of parts.shelf.all()) {
      for (const { pool } of loaded.values()) pool.sweep(idleMs);
    }
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
