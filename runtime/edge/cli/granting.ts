import { HostError } from "#manifests/errors.ts";
import type { GrantsText } from "#manifests/grants.ts";
import { quote } from "#manifests/quote.ts";
import { durationPattern, parseDuration } from "#manifests/units.ts";
import type { EntryView, GrantsView } from "../../grants/view.ts";
import { pairsOf } from "./choosing.ts";

/** How an operator changes grants by options. */
export interface GrantingOptions {
  readonly allow?: readonly string[];
  readonly revoke?: readonly string[];
  /** Of what is allowed here: */
  readonly host?: string;
  readonly methods?: string;
  readonly path?: string;
  readonly quota?: string;
  readonly folder?: readonly string[];
  readonly secret?: readonly string[];
  /** A time from now, or a moment. */
  readonly expires?: string;
  /** How many more. */
  readonly uses?: number;
  readonly via?: string;
  readonly per?: string;
}

/** One grant as operators write it, whatever its capability. */
type Written = Readonly<Record<string, unknown>>;

const none: GrantsText = { grants: 1 };

/**
 * Returns the grants that options make of those that a plugin has: what is revoked is gone, what is
 * allowed is what its manifest asks for there, as far as the options do not narrow it.
 *
 * @param now  milliseconds since 1970
 * @throws USAGE_INVALID when an option names nothing that is asked for
 */
export function changedGrants(
  { entries }: Pick<GrantsView, "entries">,
  options: GrantingOptions,
  now: number,
): GrantsText {
  const { allow = [], revoke = [] } = options;
  checkEntries(entries, "--allow", allow);
  checkEntries(entries, "--revoke", revoke);
  checkNarrowing(options);
  const parts = entries.map((entry) => {
    if (isNamed(entry, allow)) return allowed(entry, options, now);
    return isNamed(entry, revoke) ? none : entry.held;
  });
  return merged(parts);
}

function allowed(entry: EntryView, options: GrantingOptions, now: number): GrantsText {
  const offer = entry.secret === null ? entry.offer : secretOffer(entry, options);
  const used = Math.max(0, ...entry.grants.map((grant) => grant.used));
  const terms = termsOf(options, { used, now });
  const { host, quota } = options;
  const each = (list: readonly Written[] = [], own: Written = {}): readonly Written[] =>
    list.map((grant) => ({ ...grant, ...own, ...terms }));
  const folders = pairsOf("--folder", options.folder ?? []);
  const files = (offer.files ?? []).map((grant) => {
    const folder = folders.get(grant.name);
    return { ...grant, ...(folder && { folder }), ...(quota && { quota }) };
  });
  const network = {
    ...(host && { host }),
    ...(options.path && { path: options.path }),
    ...(options.methods && { methods: options.methods.toUpperCase().split(",") }),
  };
  return {
    grants: 1,
    network: each(offer.network, network),
    secrets: each(offer.secrets),
    files: each(files),
    ...(offer.kv && { kv: { ...offer.kv, ...(quota && { quota }), ...terms } }),
    tools: each(offer.tools),
  } as GrantsText;
}

/** @throws USAGE_INVALID when no secret of the operator's is named */
function secretOffer({ entry, secret, held }: EntryView, options: GrantingOptions): GrantsText {
  const name = secret?.name ?? "";
  const known = held.secrets?.find((grant) => grant.name === name)?.secret;
  const mine = pairsOf("--secret", options.secret ?? []).get(name) ?? known;
  if (mine === undefined || secret === null) {
    const problem = `${entry} needs one of your secrets: --secret ${name}=NAME`;
    throw new HostError("USAGE_INVALID", { argument: "--allow", problem });
  }
  return { grants: 1, secrets: [{ name, secret: mine, mode: secret.mode }] };
}

function termsOf(
  { expires, uses, via, per }: GrantingOptions,
  { used, now }: { readonly used: number; readonly now: number },
): Written {
  const ids = via?.split(",") ?? [];
  return {
    ...(expires !== undefined && { expires: momentOf(expires, now) }),
    ...(uses !== undefined && { uses: used + uses }),
    ...(via !== undefined && { via: via === "direct" || via === "any" ? via : ids }),
    ...(per !== undefined && { per }),
  };
}

function momentOf(text: string, now: number): string {
  if (!new RegExp(durationPattern).test(text)) return text;
  return new Date(now + parseDuration(text)).toISOString();
}

function merged(parts: readonly GrantsText[]): GrantsText {
  const kv = parts.find((part) => part.kv !== undefined)?.kv;
  return {
    grants: 1,
    network: parts.flatMap((part) => part.network ?? []),
    secrets: parts.flatMap((part) => part.secrets ?? []),
    files: parts.flatMap((part) => part.files ?? []),
    ...(kv && { kv }),
    tools: parts.flatMap((part) => part.tools ?? []),
  };
}

function isNamed({ entry, capability }: EntryView, names: readonly string[]): boolean {
  return names.includes(entry) || names.includes(capability);
}

/** @throws USAGE_INVALID */
function checkEntries(
  entries: readonly EntryView[],
  option: string,
  names: readonly string[],
): void {
  const wrong = names.find((name) => !entries.some((entry) => isNamed(entry, [name])));
  if (wrong === undefined) return;
  const known = entries.map(({ entry }) => entry).join(", ") || "nothing at all";
  const problem = `${quote(wrong)} is not among what the plugin asks for: ${known}`;
  throw new HostError("USAGE_INVALID", { argument: option, problem });
}

/** What narrows says of what: without it nothing would be changed, and nobody told. */
function checkNarrowing({ allow, revoke, ...narrowing }: GrantingOptions): void {
  const [first] = Object.entries(narrowing).find(([, value]) => value !== undefined) ?? [];
  if (first === undefined || (allow ?? []).length > 0) return;
  const problem = "it says how something is allowed: name that with --allow";
  throw new HostError("USAGE_INVALID", { argument: `--${first}`, problem });
}
