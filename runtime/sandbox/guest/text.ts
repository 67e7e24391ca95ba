import { isUtf8 } from "node:buffer";

/** Returns bytes (untrusted) as text, with U+FFFD for what is no UTF-8. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** Returns bytes (untrusted) as text, or undefined when they are no UTF-8. */
export function toStrictText(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? toText(bytes) : undefined;
}
