import { domainToUnicode } from "node:url";
import { quote } from "../quote.ts";

/** Scripts whose letters belong together in one word; Japanese and Korean write with several. */
const scriptGroups: readonly RegExp[] = [
  /^[\p{scx=Latin}\p{N}-]*$/u,
  /^[\p{scx=Cyrillic}\p{N}-]*$/u,
  /^[\p{scx=Greek}\p{N}-]*$/u,
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Latin}\p{N}-]*$/u,
  /^[\p{scx=Han}\p{scx=Hangul}\p{scx=Latin}\p{N}-]*$/u,
  /^[\p{scx=Arabic}\p{N}-]*$/u,
  /^[\p{scx=Hebrew}\p{N}-]*$/u,
  /^[\p{scx=Devanagari}\p{N}-]*$/u,
  /^[\p{scx=Thai}\p{N}-]*$/u,
  /^[\p{scx=Armenian}\p{N}-]*$/u,
  /^[\p{scx=Georgian}\p{N}-]*$/u,
];

/** Names that no public server has, and what an own network calls its machines by. */
const ownName = /(?:^|\.)(?:localhost|local|internal|lan|home|intranet|corp|home\.arpa)$/;
/** @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const ownAddress = new RegExp(
  [
    "^(?:0|10|127|169\\.254|192\\.168",
    "172\\.(?:1[6-9]|2\\d|3[01])",
    "100\\.(?:6[4-9]|[7-9]\\d|1[01]\\d|12[0-7]))\\.[\\d.]+$",
  ].join("|"),
);
/** All but the addresses of version 6 that the internet routes, 2000::/3. */
const ownAddress6 = /^\[(?![23][0-9a-f]{3}:)/;

/** A name of one label is looked up in the network at hand. */
const oneLabel = /^[^.[*]+$/;

/** Returns whether a host pattern is a name or an address that only an own network has. */
export function isOwnHost(host: string): boolean {
  return [ownName, ownAddress, ownAddress6, oneLabel].some((form) => form.test(host));
}

/** Returns a host pattern as an operator reads it: in ASCII, so that no letter passes for another. */
export function hostWords(host: string): string {
  return host === "*" ? "(any host)" : host;
}

/**
 * Returns what an operator should know about a host pattern before it is granted.
 *
 * @param host  fits the schema of hosts; untrusted
 */
export function hostWarnings(host: string): readonly string[] {
  if (host === "*") return ["any host: it can reach everybody, and send there what it has"];
  return [
    ...(isOwnHost(host) ? [`${host} is in a network of your own, not on the internet`] : []),
    ...readingOf(host),
  ];
}

function readingOf(host: string): readonly string[] {
  if (!/(?:^|\.)xn--/.test(host)) return [];
  const bare = host.replace(/^\*\./, "");
  const read = domainToUnicode(bare);
  if (read === "") return [`${host} is no name that can be read: its encoding is broken`];
  const isMixed = read.split(".").some((label) => !scriptGroups.some((group) => group.test(label)));
  const forgery = isMixed ? ", in letters of several scripts, as forged names are" : "";
  return [`${host} reads as ${quote(read)}${forgery}; check that it is meant`];
}
