import type { Digest } from "#manifests/names.ts";
import type { Active } from "./installed.ts";

/** Versions that answer nobody new, some of whose calls may still run and need their files. */
export class Retired {
  readonly #actives = new Set<Active>();

  /** Lets a version go once its last call is over. */
  readonly retire = (active: Active): void => {
    active.pool.close();
    for (const each of this.#actives) if (!isBusy(each)) this.#actives.delete(each);
    if (isBusy(active)) this.#actives.add(active);
  };

  /** Whether calls that still run may need a module: a runner that dies is replaced under them. */
  needs(module: Digest): boolean {
    return [...this.#actives].some(
      (active) => active.version.meteredDigest === module && isBusy(active),
    );
  }
}

/** Whether calls of a version run or wait. */
export function isBusy({ pool }: Active): boolean {
  const { live, queued } = pool.load;
  return live + queued > 0;
}
