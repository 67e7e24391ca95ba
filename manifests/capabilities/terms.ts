import Type, { type Static } from "typebox";
import { closed, type Refuse } from "../document.ts";
import { HostError } from "../errors.ts";
import { parsePluginId, type PluginId, pluginIdCharsMax, pluginIdPattern } from "../names.ts";
import { quote } from "../quote.ts";

const utc = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,3})?Z$";

/** The schema of a plugin id. */
export const idSchema = Type.String({
  pattern: pluginIdPattern,
  maxLength: pluginIdCharsMax,
  errorMessage: "be a plugin id such as weather or acme/weather, at most 64 characters",
});

/** The schema of why a plugin needs something. */
export const reasonSchema = Type.String({
  minLength: 1,
  maxLength: 200,
  description: "Why the plugin needs it, in the author's words; operators see it quoted",
});

/** What every grant may say besides its scope. */
export const termsSchema = {
  per: Type.Optional(
    Type.Enum(["plugin", "caller"], {
      description: "Whether all callers share what it opens, or each owner of keys has their own",
    }),
  ),
  via: Type.Optional(
    Type.Union(
      [Type.Enum(["direct", "any"]), Type.Array(idSchema, { minItems: 1, maxItems: 64 })],
      {
        errorMessage: "be direct, any, or a list of plugin ids",
        description: "Whether it holds in calls that other plugins make, and of which",
      },
    ),
  ),
  expires: Type.Optional(
    Type.String({
      pattern: utc,
      errorMessage: "be a time like 2027-01-31T00:00:00Z",
      description: "From when on it is void",
    }),
  ),
  uses: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1e12, description: "After how many uses it is void" }),
  ),
};

/** The terms of a grant as operators write them. */
export type TermsText = { [Key in keyof typeof termsSchema]?: Static<(typeof termsSchema)[Key]> };

/** What one entry of a manifest asks for, in our words, which no author can change. */
export interface Wording {
  /** One word for what it does: `fetch`, `keep`, `send`, `see`, `read`, `call`. */
  readonly verb: string;
  /** What follows the verb. */
  readonly words: string;
  /** What a careful operator would want to be told; often empty. */
  readonly warnings: readonly string[];
}

/** Something that a manifest asks for: its place in `uses`, our words, and the author's reason. */
export interface Ask extends Wording {
  /** `network[0]`, `files.cache`, `secrets.WIKI_TOKEN`, `kv`, `tools.report`. */
  readonly entry: string;
  /** Untrusted. */
  readonly reason: string;
}

/** How a grant may be used: when called directly, through anybody, or through some plugins. */
export type Via = "direct" | "any" | readonly PluginId[];

/** What every grant says besides its scope. */
export interface Terms {
  /** Whether callers share what the grant opens, or each owner of keys has their own. */
  readonly per: "plugin" | "caller";
  readonly via: Via;
  /** Time in UTC after which it is void; null for none. */
  readonly expires: string | null;
  /** Uses after which it is void, counted from when it was given; null for no such bound. */
  readonly uses: number | null;
}

/** The terms of a grant to which an operator only said yes. Reads may be reached through others. */
export function plainTerms(via: "direct" | "any"): Terms {
  return { per: "plugin", via, expires: null, uses: null };
}

/** Makes the error of grants for a place in them and a problem. */
export const refuseGrants: Refuse = (path, problem) =>
  new HostError("GRANTS_INVALID", { path, problem });

/** Returns the terms that an operator wrote, defaults filled in. @throws GRANTS_INVALID */
export function termsOf(written: TermsText, viaDefault: "direct" | "any"): Terms {
  const { per = "plugin", via = viaDefault, expires = null, uses = null } = written;
  if (expires !== null && !isMoment(expires))
    throw refuseGrants("expires", `must be a time that exists, found ${quote(expires)}`);
  return { per, via: typeof via === "string" ? via : via.map(parsePluginId), expires, uses };
}

/** Whether a time is in the calendar: JavaScript takes the 30th of February for a day in March. */
function isMoment(time: string): boolean {
  const at = Date.parse(time);
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 19) === time.slice(0, 19);
}

/** Returns a grant with its terms in the form that operators write. */
export function termsText<Grant extends Terms>({ via, expires, uses, ...grant }: Grant) {
  const written = typeof via === "string" ? via : [...via];
  return {
    ...grant,
    via: written,
    ...(expires !== null && { expires }),
    ...(uses !== null && { uses }),
  };
}

/** Throws when two entries of a list have the same name. */
export function checkUnique<Key extends string>(
  entries: readonly Readonly<Record<Key, string>>[],
  key: Key,
  path: string,
  refuse: Refuse,
): void {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (seen.has(entry[key]))
      throw refuse(
        `${path}[${index}].${key}`,
        `must differ from the others, found "${entry[key]}"`,
      );
    seen.add(entry[key]);
  }
}

/** The schema of an entry of grants: its scope and its terms. */
export function grantSchemaOf<Scope extends Parameters<typeof closed>[0]>(scope: Scope) {
  return closed({ ...scope, ...termsSchema });
}
