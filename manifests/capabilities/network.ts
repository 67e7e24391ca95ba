import Type, { type Static } from "typebox";
import { closed, duration, matching, size } from "../document.ts";
import { bytesText, durationText, parseBytes, parseDuration } from "../units.ts";
import { hostWarnings, hostWords } from "./host-words.ts";
import {
  type Ask,
  plainTerms,
  reasonSchema,
  type Terms,
  termsOf,
  termsSchema,
  termsText,
} from "./terms.ts";

/** Methods of HTTP that a plugin may ask for. */
export const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] as const;
/** A method of HTTP that a plugin may ask for. */
export type Method = (typeof methods)[number];

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostName = `${label}(?:\\.${label})*`;
const hostPattern = `^(?:\\*|(?:\\*\\.${label}\\.)?${hostName}|\\[[0-9a-f:.]{2,45}\\])$`;

/** The schema of a host or host pattern: `api.example.com`, `*.example.com`, an address, or `*`. */
export const hostSchema = Type.String({
  pattern: hostPattern,
  maxLength: 253,
  errorMessage:
    "be a lower-case host name, *.name with at least two labels, an address, or * for any host",
});

/** The schema of a path prefix of URLs. */
export const pathPrefixSchema = matching(
  '^/[!-"$->@-\\[\\]-~]{0,255}$',
  "begin with / and hold only visible ASCII, but no ? # or backslash",
);

const schemeSchema = Type.Enum(["https", "http", "wss", "ws"]);
const portSchema = Type.Integer({ minimum: 1, maximum: 65_535 });
const methodsSchema = Type.Array(Type.Enum(methods), { minItems: 1, uniqueItems: true });

/** The schema of an ask for requests to one host or host pattern. */
export const networkAskSchema = closed({
  host: hostSchema,
  scheme: Type.Optional(schemeSchema),
  port: Type.Optional(portSchema),
  methods: Type.Optional(methodsSchema),
  path: Type.Optional(pathPrefixSchema),
  reason: reasonSchema,
});

const budgetSchema = closed(
  {
    requests: Type.Optional(Type.Integer({ minimum: 1, maximum: 1e9 })),
    bytes: Type.Optional(size("Bytes sent and received")),
    time: Type.Optional(duration("Time spent waiting for the other side")),
  },
  { description: "What may be spent; what is left out has no bound of its own" },
);

/** The schema of a grant for requests. */
export const networkGrantSchema = closed({
  scheme: schemeSchema,
  host: hostSchema,
  port: portSchema,
  methods: methodsSchema,
  path: pathPrefixSchema,
  addresses: Type.Optional(
    Type.Array(
      matching(
        "^[0-9a-fA-F:.]{2,45}/[0-9]{1,3}$",
        "be a range of addresses such as 192.168.0.0/16 or fd00::/8",
      ),
      {
        maxItems: 32,
        description: "Private ranges that the host may resolve to; public ones always may",
      },
    ),
  ),
  perCall: Type.Optional(budgetSchema),
  perDay: Type.Optional(budgetSchema),
  ...termsSchema,
});

/** An ask for requests over the network. */
export interface NetworkAsk {
  readonly scheme: "https" | "http" | "wss" | "ws";
  /** A host, `*.name`, an address (version 6 in brackets), or `*`. */
  readonly host: string;
  readonly port: number;
  readonly methods: readonly Method[];
  /** Prefix of the path; `/` for all. */
  readonly path: string;
  /** Untrusted text of the author, as all reasons. */
  readonly reason: string;
}

/** What may be spent; null for no bound of its own. */
export interface Budget {
  readonly requests: number | null;
  readonly bytes: number | null;
  readonly ms: number | null;
}

/** Requests to one host pattern are allowed. */
export interface NetworkGrant extends Terms {
  readonly scheme: "https" | "http" | "wss" | "ws";
  readonly host: string;
  readonly port: number;
  readonly methods: readonly Method[];
  readonly path: string;
  /** Ranges of private addresses, in CIDR form, to which the host may resolve. */
  readonly addresses: readonly string[];
  readonly perCall: Budget;
  readonly perDay: Budget;
}

const portOf = { https: 443, wss: 443, http: 80, ws: 80 } as const;
const unbounded: Budget = { requests: null, bytes: null, ms: null };

/** Returns what an ask means. */
export function networkAsk(ask: Static<typeof networkAskSchema>): NetworkAsk {
  const { scheme = "https", methods = ["GET"], path = "/" } = ask;
  const port = ask.port ?? portOf[scheme];
  return { scheme, host: ask.host, port, methods, path, reason: ask.reason };
}

/** Returns what is asked for, for people. */
export function networkAsks(asks: readonly NetworkAsk[]): readonly Ask[] {
  return asks.map((ask, index) => ({
    entry: `network[${index}]`,
    verb: ask.methods.every(isReading) ? "fetch" : "send",
    words: networkWords(ask),
    warnings: [...schemeWarnings(ask.scheme), ...hostWarnings(ask.host)],
    reason: ask.reason,
  }));
}

/** Returns requests in words: `GET https://api.example.com/core/…`. */
export function networkWords(
  ask: Pick<NetworkAsk, "scheme" | "host" | "port" | "methods" | "path">,
): string {
  const { scheme, host, port, methods: granted, path } = ask;
  const at = port === portOf[scheme] ? "" : `:${port}`;
  return `${granted.join(", ")} ${scheme}://${hostWords(host)}${at}${path}…`;
}

function schemeWarnings(scheme: NetworkAsk["scheme"]): readonly string[] {
  if (scheme === "https" || scheme === "wss") return [];
  return ["it is not encrypted: whoever is on the way can read and alter it"];
}

/** Returns the grant that gives all of an ask. */
export function networkGranted({ reason, ...ask }: NetworkAsk): NetworkGrant {
  const terms = plainTerms(ask.methods.every(isReading) ? "any" : "direct");
  return { ...ask, addresses: [], perCall: unbounded, perDay: unbounded, ...terms };
}

/** Returns what a written grant means. @throws GRANTS_INVALID */
export function networkGrant(written: Static<typeof networkGrantSchema>): NetworkGrant {
  const { addresses = [], perCall, perDay, ...grant } = written;
  const terms = termsOf(grant, grant.methods.every(isReading) ? "any" : "direct");
  return { ...grant, addresses, perCall: budgetOf(perCall), perDay: budgetOf(perDay), ...terms };
}

/** Returns a grant as operators write it. */
export function networkGrantText(grant: NetworkGrant): Static<typeof networkGrantSchema> {
  const { addresses, perCall, perDay, methods: granted, ...rest } = grant;
  return {
    ...termsText(rest),
    methods: [...granted],
    ...(addresses.length > 0 && { addresses: [...addresses] }),
    ...(isBounded(perCall) && { perCall: budgetText(perCall) }),
    ...(isBounded(perDay) && { perDay: budgetText(perDay) }),
  };
}

/** Returns whether a method only reads. @see https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
export function isReading(method: Method): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

function budgetOf(written: Static<typeof budgetSchema> = {}): Budget {
  const { requests = null, bytes, time } = written;
  return {
    requests,
    bytes: bytes === undefined ? null : parseBytes(bytes),
    ms: time === undefined ? null : parseDuration(time),
  };
}

function isBounded(budget: Budget): boolean {
  return Object.values(budget).some((bound) => bound !== null);
}

function budgetText({ requests, bytes, ms }: Budget): Static<typeof budgetSchema> {
  return {
    ...(requests !== null && { requests }),
    ...(bytes !== null && { bytes: bytesText(bytes) }),
    ...(ms !== null && { time: durationText(ms) }),
  };
}
