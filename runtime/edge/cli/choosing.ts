import { mergeGrants } from "#manifests/carried.ts";
import { HostError } from "#manifests/errors.ts";
import { type Grants, type GrantsText, parseGrants, toGrantsText } from "#manifests/grants.ts";
import { quote } from "#manifests/quote.ts";
import type { AskedEntry, ConsentAsk } from "../../consent/asked.ts";
import { untrustedLine } from "../../untrusted.ts";

/** What an operator decided with options, before or instead of being asked. */
export interface Decisions {
  readonly yes: boolean;
  /** Entries, or names of capabilities for all entries of one. */
  readonly grant: readonly string[];
  readonly refuse: readonly string[];
  /** The plugin's names of secrets → the operator's. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Purposes of folders → absolute paths. */
  readonly folders: ReadonlyMap<string, string>;
}

/** Whether options alone say what is granted, so that nobody has to be asked. */
export function isDecided({ yes, grant, refuse }: Decisions): boolean {
  return yes || grant.length > 0 || refuse.length > 0;
}

/**
 * Returns what options grant of what is asked, with what is held already.
 *
 * @throws USAGE_INVALID when an option names nothing that is asked for
 */
export function decidedGrants(ask: ConsentAsk, decisions: Decisions): GrantsText {
  const { grant, refuse, secrets, folders } = decisions;
  checkNames(ask, "--grant", grant);
  checkNames(ask, "--refuse", refuse);
  checkKeys(ask, "--secret", "secrets", secrets);
  checkKeys(ask, "--folder", "files", folders);
  const isGranted = (entry: AskedEntry): boolean =>
    !isNamed(entry, refuse) && (grant.length === 0 || isNamed(entry, grant) || isMapped(entry));
  const isMapped = ({ entry }: AskedEntry): boolean => secrets.has(nameOf(entry));
  const offers = ask.asks.filter(isGranted).map((entry) => {
    const secret = secrets.get(nameOf(entry.entry));
    if (entry.capability === "secrets" && secret !== undefined) return secretOffer(entry, secret);
    const folder = folders.get(nameOf(entry.entry));
    return folder === undefined ? entry.offer : folderOffer(entry.offer, folder);
  });
  return allOf(ask, offers);
}

/** Returns what is held and some offers, as one document. @throws GRANTS_INVALID */
export function allOf({ held }: ConsentAsk, offers: readonly GrantsText[]): GrantsText {
  const all = offers.reduce<Grants>(
    (grants, offer) => mergeGrants(grants, parseGrants(offer)),
    parseGrants(held),
  );
  return toGrantsText(all);
}

/** Returns the grant that lets one of the operator's secrets stand for what an entry asks. */
export function secretOffer({ entry, verb }: AskedEntry, secret: string): GrantsText {
  const mode = verb === "see" ? "reveal" : "inject";
  return { grants: 1, secrets: [{ name: nameOf(entry), secret, mode }] };
}

/** Returns an offer of a folder with another one than the plugin's own. */
export function folderOffer(offer: GrantsText, folder: string): GrantsText {
  return { ...offer, files: (offer.files ?? []).map((grant) => ({ ...grant, folder })) };
}

/** Returns the plugin's own name in an entry: `WIKI_TOKEN` of `secrets.WIKI_TOKEN`. */
export function nameOf(entry: string): string {
  return entry.slice(entry.indexOf(".") + 1);
}

/**
 * Returns pairs that were given as `NAME=VALUE`.
 *
 * @throws USAGE_INVALID
 */
export function pairsOf(option: string, texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)] as const;
      const problem = `it must be NAME=VALUE, found ${quote(text)}`;
      throw new HostError("USAGE_INVALID", { argument: option, problem });
    }),
  );
}

function isNamed({ entry, capability }: AskedEntry, names: readonly string[]): boolean {
  return names.includes(entry) || names.includes(capability);
}

function checkNames({ asks }: ConsentAsk, option: string, names: readonly string[]): void {
  const wrong = names.find((name) => !asks.some((entry) => isNamed(entry, [name])));
  if (wrong !== undefined)
    throw unknown(
      option,
      wrong,
      asks.map(({ entry }) => entry),
    );
}

function checkKeys(
  { asks }: ConsentAsk,
  option: string,
  capability: string,
  given: ReadonlyMap<string, string>,
): void {
  const known = asks.filter((entry) => entry.capability === capability);
  const names = known.map(({ entry }) => nameOf(entry));
  const wrong = [...given.keys()].find((name) => !names.includes(name));
  if (wrong !== undefined) throw unknown(option, wrong, names);
}

function unknown(option: string, found: string, names: readonly string[]): HostError {
  const asked = names.map(untrustedLine).join(", ") || "nothing of the kind";
  const problem = `${quote(found)} is not among what is asked: ${asked}`;
  return new HostError("USAGE_INVALID", { argument: option, problem });
}
