import type { Redactor, Secrets } from "../injection.ts";

const nothing: Redactor = {
  isIdle: true,
  text: (text) => text,
  bytes: (bytes) => bytes,
  stream: () => ({ push: (piece) => piece, end: () => new Uint8Array() }),
};

/** The secrets of a host that keeps none: nothing goes into any request. */
export const noSecrets: Secrets = {
  injectionsFor: () => Promise.resolve([]),
  headersOf: () => new Set(),
  redactorOf: () => nothing,
};
