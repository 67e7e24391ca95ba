import { HostError } from "#manifests/errors.ts";

/**
 * Operations on files at once, over all plugins. Node has four threads for files and for names of
 * hosts: one is left for the host itself.
 */
const runningMax = 3;

interface Waiter {
  /** Held alone by whoever writes; undefined for a reader. */
  readonly folder: string | undefined;
  go(): void;
}

/** Lets plugins at the disk in turn, and only one writer at a time into each folder. */
export class DiskLine {
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #held = new Set<string>();
  #running = 0;

  /**
   * Waits for a place; disposing what it returns gives it back.
   *
   * @param plugin  whose turn it is
   * @param folder  to be held alone; undefined to read
   * @param signal  ends the waiting
   * @throws CALL_CANCELLED
   */
  async take(plugin: string, folder: string | undefined, signal: AbortSignal): Promise<Disposable> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter = { folder, go: () => resolve(true) };
    const line = this.#waiting.get(plugin) ?? [];
    if (line.push(waiter) === 1) this.#waiting.set(plugin, line);
    const leave = (): void => {
      const index = line.indexOf(waiter);
      // Not there: it has its place, and gives it back as always.
      if (index >= 0) line.splice(index, 1);
      if (index >= 0) resolve(false);
      if (line.length === 0 && this.#waiting.get(plugin) === line) this.#waiting.delete(plugin);
    };
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    this.#next();
    const hasPlace = await promise;
    signal.removeEventListener("abort", leave);
    if (!hasPlace) throw new HostError("CALL_CANCELLED", { plugin });
    return { [Symbol.dispose]: () => this.#release(folder) };
  }

  #release(folder: string | undefined): void {
    this.#running -= 1;
    if (folder !== undefined) this.#held.delete(folder);
    this.#next();
  }

  #next(): void {
    while (this.#running < runningMax && this.#serveOne());
  }

  /** Returns whether anybody could be served. Whoever was goes to the end. */
  #serveOne(): boolean {
    for (const [plugin, line] of this.#waiting) {
      const [first] = line;
      if (first === undefined) continue;
      if (first.folder !== undefined && this.#held.has(first.folder)) continue;
      line.shift();
      this.#waiting.delete(plugin);
      if (line.length > 0) this.#waiting.set(plugin, line);
      this.#running += 1;
      if (first.folder !== undefined) this.#held.add(first.folder);
      first.go();
      return true;
    }
    return false;
  }
}
