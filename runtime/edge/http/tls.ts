import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { HostError } from "#manifests/errors.ts";

/** Where a certificate chain and its private key are, in PEM. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate chain and its key, for TLS 1.2 and newer. */
export interface TlsContext {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly minVersion: "TLSv1.2";
}

/**
 * Returns what the files hold, when it works together.
 *
 * @throws TLS_INVALID
 */
export function readTls({ certFile, keyFile }: TlsFiles): TlsContext {
  const cert = read(certFile, "the certificate");
  const key = read(keyFile, "the key");
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const isMismatch = (cause as { code?: string }).code?.includes("KEY_VALUES_MISMATCH") ?? false;
    const reason = isMismatch ? "they do not belong together" : "they are not well-formed PEM";
    throw new HostError("TLS_INVALID", { reason }, { cause });
  }
  return { cert, key, minVersion: "TLSv1.2" };
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new HostError("TLS_INVALID", { reason: `${what} cannot be read` }, { cause });
  }
}
