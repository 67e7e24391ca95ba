import Type, { type Static } from "typebox";
import { closed, matching, type Refuse } from "../document.ts";
import { hostWarnings, hostWords } from "./host-words.ts";
import { hostSchema } from "./network.ts";
import {
  type Ask,
  grantSchemaOf,
  reasonSchema,
  type Terms,
  termsOf,
  termsText,
  type Wording,
} from "./terms.ts";

const headerPattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$";

/** The schema of the name by which a plugin knows a secret. */
export const secretNameSchema = matching("^[A-Z][A-Z0-9_]{0,63}$", "match [A-Z][A-Z0-9_]{0,63}");

/** The schema of the name by which the operator knows a secret. */
export const operatorSecretSchema = matching(
  "^[a-z0-9][a-z0-9._-]{0,63}$",
  "match [a-z0-9][a-z0-9._-]{0,63}",
  "The operator's secret that the plugin's name stands for",
);

const injectSchema = Type.Union(
  [
    closed({
      header: matching(headerPattern, "be the name of a header"),
      template: Type.Optional(
        matching(
          "^[ -z|~]{0,64}\\{\\}[ -z|~]{0,64}$",
          "be text with {} once, where the value goes",
        ),
      ),
    }),
    closed({ query: matching("^[\\w.~-]{1,64}$", "be the name of a query parameter") }),
    closed({ field: matching("^[\\w.-]{1,64}$", "be the name of a field of a JSON body") }),
  ],
  { errorMessage: "be one of {header, template}, {query} or {field}" },
);

/** The schema of an ask for a secret. */
export const secretAskSchema = closed({
  name: secretNameSchema,
  inject: Type.Optional(injectSchema),
  reveal: Type.Optional(Type.Literal(true, { description: "The value enters guest memory" })),
  hosts: Type.Optional(Type.Array(hostSchema, { minItems: 1, maxItems: 32, uniqueItems: true })),
  reason: reasonSchema,
});

/** The schema of a grant of a secret. */
export const secretGrantSchema = grantSchemaOf({
  name: secretNameSchema,
  secret: operatorSecretSchema,
  mode: Type.Enum(["inject", "reveal"]),
});

/** Where the host puts a secret into an outgoing request. */
export type Inject = Static<typeof injectSchema>;

/** An ask for a secret: put into requests to named hosts, or handed to the guest. */
export interface SecretAsk {
  readonly name: string;
  /** Null when the guest is to see the value. */
  readonly inject: Inject | null;
  readonly hosts: readonly string[];
  readonly reason: string;
}

/** One of the operator's secrets stands for a name of the plugin's. */
export interface SecretGrant extends Terms {
  readonly name: string;
  readonly secret: string;
  readonly mode: "inject" | "reveal";
}

/** Returns what an ask means. */
export function secretAsk(
  ask: Static<typeof secretAskSchema>,
  path: string,
  refuse: Refuse,
): SecretAsk {
  const { name, inject, reveal, hosts = [], reason } = ask;
  if ((inject === undefined) === (reveal === undefined))
    throw refuse(path, "must have either inject or reveal");
  if (inject !== undefined && "header" in inject && isFraming(inject.header))
    throw refuse(`${path}.inject.header`, "must not be one that says how the request is sent");
  if (inject !== undefined && hosts.length === 0)
    throw refuse(`${path}.hosts`, "must name the hosts that get the secret, found nothing");
  return { name, inject: inject ?? null, hosts, reason };
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const framing =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|proxy-.*)$/i;

function isFraming(header: string): boolean {
  return framing.test(header);
}

/** Returns what is asked for, for people. */
export function secretsAsks(asks: readonly SecretAsk[]): readonly Ask[] {
  return asks.map(({ name, inject, hosts, reason }) => ({
    entry: `secrets.${name}`,
    ...(inject === null ? revealed(name) : injected(name, inject, hosts)),
    reason,
  }));
}

function revealed(name: string): Wording {
  const warnings = ["the plugin gets the value itself, and can pass it on to whom it reaches"];
  return { verb: "see", words: `a secret of yours as ${name}`, warnings };
}

function injected(name: string, inject: Inject, hosts: readonly string[]): Wording {
  const place =
    "header" in inject ? "a header" : "query" in inject ? "the query" : "a field of the body";
  const words = `a secret of yours as ${name} to ${hosts.map(hostWords).join(", ")}`;
  return {
    verb: "send",
    words: `${words}, in ${place}; the plugin never sees it`,
    warnings: hosts.flatMap(hostWarnings),
  };
}

/** Returns what a written grant means. @throws GRANTS_INVALID */
export function secretGrant(written: Static<typeof secretGrantSchema>): SecretGrant {
  return { ...written, ...termsOf(written, "direct") };
}

/** Returns a grant as operators write it. */
export function secretGrantText(grant: SecretGrant): Static<typeof secretGrantSchema> {
  return termsText(grant);
}
