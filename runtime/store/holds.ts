/**
 * Which files somebody is about to need although nothing refers to them yet, and whose turn it is to put
 * files in their place or take them away: what is held is never removed, and nobody holds a file in the
 * middle of its removal.
 */
export class Holds {
  readonly #held = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  /** Whether somebody is about to need a file or a folder. */
  has(path: string): boolean {
    return this.#held.has(path);
  }

  /** Keeps files until what it gives is disposed. */
  keep(paths: readonly string[]): Disposable {
    for (const path of paths) this.#held.set(path, (this.#held.get(path) ?? 0) + 1);
    const state = { isHeld: true };
    return {
      [Symbol.dispose]: () => {
        if (!state.isHeld) return;
        state.isHeld = false;
        for (const path of paths) this.#release(path);
      },
    };
  }

  /** Runs an act when no other is under way; what they throw is heard by their own callers only. */
  alone<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #release(path: string): void {
    const count = (this.#held.get(path) ?? 1) - 1;
    if (count === 0) this.#held.delete(path);
    else this.#held.set(path, count);
  }
}
