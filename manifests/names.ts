import semver from "semver";
import { HostError } from "./errors.ts";
import { quote } from "./quote.ts";

declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** The id of a plugin: `weather` or `acme/weather`, at most 64 characters. */
export type PluginId = Brand<"PluginId">;
/** A semantic version without build metadata: `1.2.0`, `2.0.0-rc.1`. */
export type Version = Brand<"Version">;
/** A range of versions as npm writes it: `>=0.1 <1`, `^1.2.0`. */
export type Range = Brand<"Range">;
/** A content digest: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = Brand<"Digest">;
/** The name of a tool: 1 to 64 of letters, digits, `_` and `-`. */
export type ToolName = Brand<"ToolName">;

/** Which release of a plugin a reference names. */
export type Pick =
  | { readonly kind: "newest" }
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "range"; readonly range: Range }
  | { readonly kind: "digest"; readonly digest: Digest };

/** A plugin as somebody names it: `acme/weather`, `acme/weather@1.2.0`, `…@^1`, `…@sha256:…`. */
export interface PluginReference {
  readonly id: PluginId;
  readonly pick: Pick;
}

const word = "[a-z0-9]+(?:-[a-z0-9]+)*";

/** The longest id; it stands in URLs, metrics and folder names. */
export const pluginIdCharsMax = 64;
/** The grammar of plugin ids, for schemas. */
export const pluginIdPattern = `^(?:${word}/)?${word}$`;
/** The grammar of tool names, for schemas. */
export const toolNamePattern = "^[a-zA-Z0-9_-]{1,64}$";
/** Ids and namespaces that no author may use: they say where a plugin came from. */
export const reservedNames: readonly string[] = ["convergio", "local", "dev", "oci"];

const pluginIdForm = new RegExp(pluginIdPattern);
const toolNameForm = new RegExp(toolNamePattern);
const digestForm = /^sha256:[0-9a-f]{64}$/;
// The regular expressions of semver are slow on long text; no honest version or range is longer.
const versionCharsMax = 64;
const rangeCharsMax = 128;

/**
 * Returns an id that follows the grammar, reserved or not.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parsePluginId(text: string): PluginId {
  if (text.length <= pluginIdCharsMax && pluginIdForm.test(text)) return text as PluginId;
  throw invalid(
    text,
    "a plugin id",
    "lower-case words joined by hyphens, with at most one namespace, at most 64 characters",
    "weather or acme/weather",
  );
}

/**
 * Returns an id that an author may publish.
 *
 * @throws NAME_RESERVED
 */
export function checkAuthorId(id: PluginId): PluginId {
  const reserved = id.split("/").find((part) => reservedNames.includes(part));
  if (reserved === undefined) return id;
  throw new HostError("NAME_RESERVED", { name: quote(id), reserved: quote(reserved) });
}

/**
 * Returns `local/<name>`, the id of what comes unsigned from a folder or a raw module.
 *
 * @param name  a plugin id, or a file name without its ending; untrusted
 * @throws NAME_INVALID when nothing of the name is a letter or a digit
 */
export function toLocalId(name: string): PluginId {
  const own = name.slice(name.lastIndexOf("/") + 1).toLowerCase();
  const slug = own.replaceAll(/[^a-z0-9]+/g, "-").slice(0, pluginIdCharsMax - "local/".length);
  return parsePluginId(`local/${slug.replaceAll(/^-|-$/g, "")}`);
}

/**
 * Returns the name of a tool.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parseToolName(text: string): ToolName {
  if (toolNameForm.test(text)) return text as ToolName;
  throw invalid(text, "a tool name", "1 to 64 of letters, digits, _ and -", "forecast");
}

/**
 * Returns a semantic version.
 *
 * Build metadata is refused, because two versions that differ only in it have no order.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 * @see    https://semver.org/#spec-item-10
 */
export function parseVersion(text: string): Version {
  if (text.length <= versionCharsMax && semver.valid(text) === text) return text as Version;
  throw invalid(text, "a version", "a semantic version without build metadata", "1.2.0");
}

/**
 * Returns a range of versions, as it was written.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parseRange(text: string): Range {
  const written = text.length <= rangeCharsMax && text.trim() !== "";
  if (written && semver.validRange(text) !== null) return text as Range;
  throw invalid(
    text,
    "a version range",
    "a range of versions, at most 128 characters long",
    ">=0.1 <1",
  );
}

/**
 * Returns a content digest.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parseDigest(text: string): Digest {
  if (digestForm.test(text)) return text as Digest;
  throw invalid(text, "a digest", "sha256: and 64 hexadecimal digits", `sha256:${"0".repeat(64)}`);
}

/**
 * Returns what `id`, `id@version`, `id@range` or `id@digest` names.
 *
 * @param text  untrusted
 * @throws NAME_INVALID
 */
export function parsePluginReference(text: string): PluginReference {
  const at = text.indexOf("@");
  if (at < 0) return { id: parsePluginId(text), pick: { kind: "newest" } };
  const id = parsePluginId(text.slice(0, at));
  const rest = text.slice(at + 1);
  if (rest.startsWith("sha256:"))
    return { id, pick: { kind: "digest", digest: parseDigest(rest) } };
  if (rest.length <= versionCharsMax && semver.valid(rest) !== null)
    return { id, pick: { kind: "version", version: parseVersion(rest) } };
  return { id, pick: { kind: "range", range: parseRange(rest) } };
}

/** Returns whether a version lies in a range; a pre-release only when the range names one. */
export function isInRange(version: Version, range: Range): boolean {
  return semver.satisfies(version, range);
}

/** Returns a negative number, zero or a positive one as `a` comes before, with or after `b`. */
export function compareVersions(a: Version, b: Version): number {
  return semver.compare(a, b);
}

function invalid(found: string, what: string, expected: string, example: string): HostError {
  return new HostError("NAME_INVALID", { found: quote(found), what, expected, example });
}
