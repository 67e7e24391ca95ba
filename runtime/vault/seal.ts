import { createCipheriv, createDecipheriv } from "node:crypto";

/** Bytes of a key: AES-256. */
export const keyBytes = 32;
/** @see https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf section 5.2.1.1 */
const nonceBytes = 12;
const tagBytes = 16;

/** Gives bytes that nobody can guess. */
export type Random = (bytes: number) => Uint8Array;

/**
 * Returns bytes sealed with AES-256-GCM: nonce, tag, ciphertext.
 *
 * Nonces are random: a key may seal 2^32 times, which no vault comes near between two rotations.
 *
 * @param about  what the bytes are the value of; they open with the same words only
 */
export function seal(
  key: Uint8Array,
  plain: Uint8Array,
  about: readonly unknown[],
  random: Random,
): Uint8Array {
  const nonce = random(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(JSON.stringify(about)));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Returns what was sealed; undefined with another key, other words, or a changed byte. */
export function unseal(
  key: Uint8Array,
  sealed: Uint8Array,
  about: readonly unknown[],
): Buffer | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const nonce = sealed.subarray(0, nonceBytes);
  const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(JSON.stringify(about)));
  cipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    return Buffer.concat([cipher.update(sealed.subarray(nonceBytes + tagBytes)), cipher.final()]);
  } catch {
    return undefined; // Which of the three it was, nobody can tell.
  }
}
