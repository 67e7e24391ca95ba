import { readFile } from "node:fs/promises";

/** How long a list that was read holds, in milliseconds. */
const freshMs = 5_000;
/** Bytes of a list that are read; those of whole advertisement networks are larger, and cut. */
const bytesMax = 4 * 1024 * 1024;

/**
 * Returns what finds the addresses that this machine's own list gives a name.
 *
 * @param path  of a file in the form of `hosts(5)`; one that cannot be read is empty
 * @param monotonic  milliseconds that never go back
 */
export function createHostsFile(
  path: string,
  monotonic: () => number,
): (name: string) => Promise<readonly string[]> {
  const state = {
    at: Number.NEGATIVE_INFINITY,
    names: Promise.resolve(new Map<string, string[]>()),
  };
  return async (name) => {
    if (monotonic() - state.at > freshMs) {
      state.at = monotonic();
      state.names = read(path);
    }
    return (await state.names).get(name) ?? [];
  };
}

async function read(path: string): Promise<Map<string, string[]>> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  const names = new Map<string, string[]>();
  for (const line of bytes.subarray(0, bytesMax).toString("latin1").split("\n")) {
    const [address = "", ...found] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    for (const name of found) names.set(name, [...(names.get(name) ?? []), address]);
  }
  return names;
}
