/** The variables of one instance: what `var_set` keeps from one call to the next. */
export interface Vars {
  /** Most bytes that all keys and values may take. */
  readonly bytesMax: number;
  /** Returns the value under a key, or undefined. */
  get(key: string): Uint8Array | undefined;
  /** Keeps a value under a key; false, and nothing changes, when it does not fit. */
  set(key: string, value: Uint8Array): boolean;
  /** Forgets a key. */
  delete(key: string): void;
}

/**
 * What an entry costs besides its key and value, in bytes. The Extism reference counts the same,
 * and without it a million empty entries would be free.
 */
const entryBytes = 48;

/** Creates an empty store of variables. */
export function createVars(bytesMax: number): Vars {
  const values = new Map<string, { value: Uint8Array; bytes: number }>();
  let usedBytes = 0;
  return {
    bytesMax,
    get: (key) => values.get(key)?.value,
    set(key, value) {
      const bytes = entryBytes + Buffer.byteLength(key) + value.length;
      const next = usedBytes - (values.get(key)?.bytes ?? 0) + bytes;
      if (next > bytesMax) return false;
      values.set(key, { value, bytes });
      usedBytes = next;
      return true;
    },
    delete(key) {
      usedBytes -= values.get(key)?.bytes ?? 0;
      values.delete(key);
    },
  };
}
