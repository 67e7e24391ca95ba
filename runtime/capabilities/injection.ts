import type { Inject } from "#manifests/capabilities/secrets.ts";
import type { Asker } from "./capability.ts";

/** One secret on its way into one request. Its value never enters guest memory, a log or an error. */
export interface Injection {
  /** The plugin's name for it. */
  readonly name: string;
  readonly place: Inject;
  readonly value: string;
}

/** What the network needs of the operator's secrets. */
export interface Secrets {
  /**
   * Returns what goes into one request, and books the use: granted as `inject`, the host in the
   * manifest's ask and in the secret's audience, over https (loopback excepted when named).
   *
   * @throws CAPABILITY_DENIED when a grant is void, SECRET_MISSING, VAULT_LOCKED
   */
  injectionsFor(asker: Asker, url: URL): Promise<readonly Injection[]>;
  /** Names of headers, in lower case, that the host alone may set for this plugin. */
  headersOf(asker: Asker): ReadonlySet<string>;
  /** Returns what finds values that were injected for a call, in everything that goes back. */
  redactorOf(asker: Asker): Redactor;
}

/** Finds secret values by the values themselves, in their usual encodings, and replaces them. */
export interface Redactor {
  /** True when nothing was injected for the call so far: bytes may pass as they are. */
  readonly isIdle: boolean;
  text(text: string): string;
  bytes(bytes: Uint8Array): Uint8Array;
  /** For bytes that come in pieces: a value that is split over two pieces is found too. */
  stream(): RedactingStream;
}

/** Redaction of bytes that come in pieces. */
export interface RedactingStream {
  /** Returns what may go on now; the rest is held until it cannot be part of a value. */
  push(piece: Uint8Array): Uint8Array;
  end(): Uint8Array;
}
