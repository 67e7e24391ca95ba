import { HostError } from "#manifests/errors.ts";
import { keyBytes } from "./seal.ts";

/**
 * Where the key of the vault is kept.
 *
 * Several may lie there: the first one seals, the others still open. So a key that the host cannot
 * change itself is changed without a moment at which the vault is shut.
 */
export interface KeySource {
  /** For people, without a path of this machine: `the file vault.key of the home`. */
  readonly name: string;
  /** Undefined when there is none. @throws VAULT_KEY_REFUSED */
  read(): Promise<readonly Uint8Array[] | undefined>;
  /** Replaces what lies there; undefined where the place is somebody else's to fill. */
  readonly write: ((keys: readonly Uint8Array[]) => Promise<void>) | undefined;
}

/** More keys than an old and a new one are a mistake. */
const keysMax = 4;

/** Returns a key as it is written. */
export function written(key: Uint8Array): string {
  return Buffer.from(key).toString("base64");
}

/**
 * Returns the keys in a text: each 32 bytes in base64 or 64 hexadecimal digits, a line each or with
 * commas between them.
 *
 * @throws VAULT_KEY_REFUSED; no part of the text is in it
 */
export function parsed(name: string, text: string | undefined): readonly Uint8Array[] | undefined {
  if (text === undefined) return undefined;
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0) return undefined;
  const keys = words.map((word) => {
    const isHex = /^[0-9a-f]{64}$/i.test(word);
    return Buffer.from(word, isHex ? "hex" : "base64");
  });
  if (keys.length > keysMax || keys.some((key) => key.length !== keyBytes)) {
    const reason = `${name} must hold ${keyBytes} bytes in base64, as openssl rand -base64 32 gives`;
    throw new HostError("VAULT_KEY_REFUSED", { reason });
  }
  return keys;
}
