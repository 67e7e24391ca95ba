/** What holds for requests of every plugin; an operator sets it, a grant may say less. */
export interface NetworkLimits {
  /** From a request to the last of its headers. */
  readonly headersMs: number;
  /** Between two pieces of a body. */
  readonly idleMs: number;
  /** A request with all its redirects and its body. */
  readonly totalMs: number;
  /** A body that is handed over in one piece, decoded. */
  readonly bodyBytesMax: number;
  readonly perCall: Spendable;
  /** Of one plugin, in a day of UTC. */
  readonly perDay: Spendable;
  /** Of all that one owner of keys makes plugins do, in a day of UTC. */
  readonly perOwnerDay: Spendable;
}

/** What may be spent; 0 for no bound. */
export interface Spendable {
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
}

/** Bounds that no setting moves. */
export const fixed = {
  /** As browsers have it is 20; more than a few are a loop or a chain of trackers. */
  redirectsMax: 5,
  headersMax: 100,
  headerBytesMax: 64 * 1024,
  /** Content codings of one body; a third is no use but to hide what is in it. */
  codingsMax: 2,
  /** Decoded bytes for each one that came, beyond the slack; text seldom reaches 50. */
  ratioMax: 200,
  ratioSlackBytes: 1024 * 1024,
  /** Requests in one `network_fetch`: their headers together fit the JSON of its answer. */
  fetchesMax: 8,
  /** Bodies that one call reads in pieces at one time. */
  streamsMax: 8,
  /** Names that are looked up at one time: each takes two sockets and up to 5 s. */
  lookups: { all: 128, perPlugin: 32 },
  /** Bytes of a piece of a body, when a guest names no other number. */
  pieceBytes: 64 * 1024,
  pieceBytesMax: 1024 * 1024,
} as const;
