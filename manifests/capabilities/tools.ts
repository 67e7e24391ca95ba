import Type, { type Static } from "typebox";
import { closed, matching, parsedAt, prose, type Refuse } from "../document.ts";
import {
  parsePluginId,
  parseRange,
  parseToolName,
  type PluginId,
  type Range,
  type ToolName,
  toolNamePattern,
} from "../names.ts";
import {
  type Ask,
  grantSchemaOf,
  idSchema,
  plainTerms,
  reasonSchema,
  type Terms,
  termsOf,
  termsText,
} from "./terms.ts";

/** The schema of a tool's name. */
export const toolNameSchema = matching(
  toolNamePattern,
  "match [a-zA-Z0-9_-]{1,64}",
  "What callers write to call the tool",
);

/** The schema of the name by which a plugin knows another one's tools. */
export const aliasSchema = matching("^[a-z][a-z0-9_-]{0,31}$", "match [a-z][a-z0-9_-]{0,31}");

const namesSchema = Type.Array(toolNameSchema, { minItems: 1, maxItems: 64, uniqueItems: true });

/** The schema of an ask for tools of another plugin. */
export const toolsAskSchema = closed({
  alias: aliasSchema,
  plugin: idSchema,
  version: Type.Optional(prose(128, "Range of versions that will do")),
  tools: namesSchema,
  reason: reasonSchema,
});

/** The schema of a grant of tools of another plugin. */
export const toolsGrantSchema = grantSchemaOf({
  alias: aliasSchema,
  plugin: idSchema,
  signer: prose(300, "Who signed the plugin that is called, or unsigned"),
  tools: namesSchema,
});

/** An ask for tools of another plugin. */
export interface ToolsAsk {
  readonly alias: string;
  readonly plugin: PluginId;
  readonly range: Range;
  readonly tools: readonly ToolName[];
  readonly reason: string;
}

/** Tools of another plugin may be called; the edge holds for that signer's plugin only. */
export interface ToolsGrant extends Terms {
  readonly alias: string;
  readonly plugin: PluginId;
  readonly signer: string;
  readonly tools: readonly ToolName[];
}

/** Returns what an ask means. */
export function toolsAsk(
  { version = "*", ...ask }: Static<typeof toolsAskSchema>,
  path: string,
  refuse: Refuse,
): ToolsAsk {
  return {
    alias: ask.alias,
    plugin: parsePluginId(ask.plugin),
    range: parsedAt(`${path}.version`, version, parseRange, refuse),
    tools: ask.tools.map(parseToolName),
    reason: ask.reason,
  };
}

/** Returns what is asked for, for people. */
export function toolsAsks(asks: readonly ToolsAsk[]): readonly Ask[] {
  return asks.map(({ alias, tools, plugin, reason }) => ({
    entry: `tools.${alias}`,
    verb: "call",
    words: `${tools.join(", ")} of the plugin ${plugin}`,
    warnings: [],
    reason,
  }));
}

/** Returns the grant that gives all of an ask, to the plugin of one signer. */
export function toolsGranted({ reason, range, ...ask }: ToolsAsk, signer: string): ToolsGrant {
  return { ...ask, signer, ...plainTerms("any") };
}

/** Returns what a written grant means. @throws GRANTS_INVALID */
export function toolsGrant(written: Static<typeof toolsGrantSchema>): ToolsGrant {
  return {
    ...written,
    ...termsOf(written, "any"),
    plugin: parsePluginId(written.plugin),
    tools: written.tools.map(parseToolName),
  };
}

/** Returns a grant as operators write it. */
export function toolsGrantText(grant: ToolsGrant): Static<typeof toolsGrantSchema> {
  return { ...termsText(grant), tools: [...grant.tools] };
}
