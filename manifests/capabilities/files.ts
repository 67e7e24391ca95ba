import Type, { type Static } from "typebox";
import { closed, matching, prose, size } from "../document.ts";
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

/** The schema of the purpose of a folder. */
export const folderNameSchema = matching("^[a-z][a-z0-9-]{0,31}$", "match [a-z][a-z0-9-]{0,31}");

const accessSchema = Type.Enum(["read", "write"]);

/** The schema of an ask for a folder with a purpose. */
export const filesAskSchema = closed({
  name: folderNameSchema,
  access: accessSchema,
  quota: Type.Optional(size("Bytes that may be written")),
  reason: reasonSchema,
});

/** The schema of a grant of a folder. */
export const filesGrantSchema = grantSchemaOf({
  name: folderNameSchema,
  folder: Type.Union([prose(1_000, "A folder typed by the operator"), Type.Null()], {
    errorMessage: "be a folder, or null for the plugin's own data folder",
  }),
  access: accessSchema,
  quota: size("Bytes that may be written"),
  entries: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1e6, description: "Files and folders that may be in it" }),
  ),
});

/** An ask for a folder with a purpose. Writing includes reading. */
export interface FilesAsk {
  readonly name: string;
  readonly access: "read" | "write";
  readonly quotaBytes: number;
  readonly reason: string;
}

/** A folder stands for a purpose of the plugin's. */
export interface FilesGrant extends Terms {
  readonly name: string;
  /** Null for the plugin's own data folder. */
  readonly folder: string | null;
  readonly access: "read" | "write";
  readonly quotaBytes: number;
  /** Files and folders that may be in it. */
  readonly entriesMax: number;
}

/** Bytes that may be written to a folder when a manifest does not say. */
const quotaDefault = "64MiB";
/** Files and folders when the operator does not say: more than a cache has, less than a disk. */
const entriesDefault = 10_000;

/** Returns what an ask means. */
export function filesAsk({
  quota = quotaDefault,
  ...ask
}: Static<typeof filesAskSchema>): FilesAsk {
  return { ...ask, quotaBytes: parseBytes(quota) };
}

/** Returns what is asked for, for people. */
export function filesAsks(asks: readonly FilesAsk[]): readonly Ask[] {
  return asks.map(({ name, access, quotaBytes, reason }) => ({
    entry: `files.${name}`,
    ...(access === "write"
      ? { verb: "keep", words: `files of its own, "${name}", up to ${bytesWords(quotaBytes)}` }
      : { verb: "read", words: `files in a folder that you choose, "${name}"` }),
    warnings: [],
    reason,
  }));
}

/** Returns the grant that gives all of an ask, in the plugin's own data folder. */
export function filesGranted({ reason, ...ask }: FilesAsk): FilesGrant {
  const terms = plainTerms(viaDefault(ask.access));
  return { ...ask, folder: null, entriesMax: entriesDefault, ...terms };
}

/** Returns what a written grant means. @throws GRANTS_INVALID */
export function filesGrant(written: Static<typeof filesGrantSchema>): FilesGrant {
  const { quota, entries = entriesDefault, ...grant } = written;
  const terms = termsOf(grant, viaDefault(grant.access));
  return { ...grant, entriesMax: entries, quotaBytes: parseBytes(quota), ...terms };
}

/** Returns a grant as operators write it. */
export function filesGrantText(grant: FilesGrant): Static<typeof filesGrantSchema> {
  const { quotaBytes, entriesMax, ...rest } = grant;
  return { ...termsText(rest), quota: bytesText(quotaBytes), entries: entriesMax };
}

function viaDefault(access: "read" | "write"): "any" | "direct" {
  return access === "read" ? "any" : "direct";
}
