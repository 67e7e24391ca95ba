import Type, { type Static } from "typebox";
import { closed, size } from "../document.ts";
import { bytesText, bytesWords, parseBytes } from "../units.ts";
import {
  type Ask,
  grantSchemaOf,
  plainTerms,
  reasonSchema,
  type Terms,
  termsOf,
  termsText,
} from "./terms.ts";

/** The schema of an ask for a key-value store. */
export const kvAskSchema = closed({
  quota: size("Bytes of keys and values"),
  reason: Type.Optional(reasonSchema),
});

/** The schema of a grant of a key-value store. */
export const kvGrantSchema = grantSchemaOf({ quota: size("Bytes of keys and values") });

/** An ask for the plugin's own key-value store. */
export interface KvAsk {
  readonly quotaBytes: number;
  readonly reason: string;
}

/** The plugin has a key-value store of its own. */
export interface KvGrant extends Terms {
  readonly quotaBytes: number;
}

/** Returns what an ask means. */
export function kvAsk({ quota, reason = "" }: Static<typeof kvAskSchema>): KvAsk {
  return { quotaBytes: parseBytes(quota), reason };
}

/** Returns what is asked for, for people. */
export function kvAsks(ask: KvAsk | null): readonly Ask[] {
  if (ask === null) return [];
  const words = `values of its own, up to ${bytesWords(ask.quotaBytes)}`;
  return [{ entry: "kv", verb: "keep", words, warnings: [], reason: ask.reason }];
}

/** Returns the grant that gives all of an ask. */
export function kvGranted({ quotaBytes }: KvAsk): KvGrant {
  return { quotaBytes, ...plainTerms("any") };
}

/** Returns what a written grant means. @throws GRANTS_INVALID */
export function kvGrant(written: Static<typeof kvGrantSchema>): KvGrant {
  return { ...termsOf(written, "any"), quotaBytes: parseBytes(written.quota) };
}

/** Returns a grant as operators write it. */
export function kvGrantText({ quotaBytes, ...rest }: KvGrant): Static<typeof kvGrantSchema> {
  return { ...termsText(rest), quota: bytesText(quotaBytes) };
}
