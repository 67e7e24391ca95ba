/** The bounds of the HTTP door that no setting changes, each with its reason. */
export const httpLimits = {
  /** A key, a trace and a few proxy headers fit in a tenth of it; 16 KiB is Node's own default. */
  headerBytesMax: 16_384,
  /** Header fields of a request; browsers and proxies send under 40. */
  headersMax: 100,
  /** Milliseconds that an idle connection is kept; above what common proxies keep theirs. */
  keepAliveTimeoutMs: 72_000,
  /** Connections at once; each costs about 20 KiB, and a descriptor of which many systems give 1,024. */
  connectionsMax: 4_096,
  /** A namespace, an id, `@` and a version or digest; longer parameters are no plugin. */
  paramCharsMax: 256,
  /** Characters of a key with its prefix, twice over; longer texts are not looked up. */
  secretCharsMax: 256,
  /** Bodies of refused requests up to here are read away, so that the client can read the answer. */
  drainBytesMax: 65_536,
  /** Milliseconds between two comments of an event stream, under the idle limit of common proxies. */
  heartbeatMs: 15_000,
  /** Bytes waiting for a slow reader of an event stream before lines are left out. */
  streamWaitingBytesMax: 1_048_576,
  /** Milliseconds that answers on their way get after the drain of a stop. */
  lastAnswersMs: 1_000,
  /** Addresses whose refusals are counted at once; the oldest is forgotten. */
  addressesMax: 4_096,
  /** Keys whose requests are counted at once; the oldest starts anew. */
  keysMax: 65_536,
  /** Nested arrays and objects of a body; beyond honest data. */
  bodyDepthMax: 64,
  /** Bytes of a JSON body on every route but invoke and uploads. */
  documentBytesMax: 1_048_576,
} as const;
