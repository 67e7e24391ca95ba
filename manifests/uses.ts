import Type, { type Static } from "typebox";
import { closed, matching, parsedAt, prose, type Refuse, size } from "./document.ts";
import {
  parsePluginId,
  parseRange,
  parseToolName,
  pluginIdCharsMax,
  pluginIdPattern,
  toolNamePattern,
  type PluginId,
  type Range,
  type ToolName,
} from "./names.ts";
import { parseBytes } from "./units.ts";

/** Methods of HTTP that a plugin may ask for. */
export const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] as const;
/** A method of HTTP that a plugin may ask for. */
export type Method = (typeof methods)[number];

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostName = `${label}(?:\\.${label})*`;
const hostPattern = `^(?:\\*|(?:\\*\\.${label}\\.)?${hostName}|\\[[0-9a-f:.]{2,45}\\])$`;
const headerPattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$";
const aliasPattern = "^[a-z][a-z0-9_-]{0,31}$";

const reason = Type.String({
  minLength: 1,
  maxLength: 200,
  description: "Why the plugin needs it, in the author's words; operators see it quoted",
});

/** The schema of a host or host pattern: `api.example.com`, `*.example.com`, an address, or `*`. */
export const hostSchema = Type.String({
  pattern: hostPattern,
  maxLength: 253,
  errorMessage:
    "be a lower-case host name, *.name with at least two labels, an address, or * for any host",
});

/** The schema of a plugin id. */
export const idSchema = Type.String({
  pattern: pluginIdPattern,
  maxLength: pluginIdCharsMax,
  errorMessage: "be a plugin id such as weather or acme/weather, at most 64 characters",
});

/** The schema of a tool's name. */
export const toolNameSchema = matching(
  toolNamePattern,
  "match [a-zA-Z0-9_-]{1,64}",
  "What callers write to call the tool",
);

/** The schema of the name by which a plugin knows another one's tools. */
export const aliasSchema = matching(aliasPattern, "match [a-z][a-z0-9_-]{0,31}");
/** The schema of the name by which a plugin knows a secret. */
export const secretNameSchema = matching("^[A-Z][A-Z0-9_]{0,63}$", "match [A-Z][A-Z0-9_]{0,63}");
/** The schema of the purpose of a folder. */
export const folderNameSchema = matching("^[a-z][a-z0-9-]{0,31}$", "match [a-z][a-z0-9-]{0,31}");
/** The schema of a path prefix of URLs. */
export const pathPrefixSchema = matching(
  "^/[!-~]{0,255}$",
  "begin with / and hold only visible ASCII",
);

const network = closed({
  host: hostSchema,
  scheme: Type.Optional(Type.Enum(["https", "http", "wss", "ws"])),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  methods: Type.Optional(Type.Array(Type.Enum(methods), { minItems: 1, uniqueItems: true })),
  path: Type.Optional(pathPrefixSchema),
  reason,
});

/** The schema of the one place of a request where the host puts a secret. */
export const injectSchema = Type.Union(
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

const secret = closed({
  name: secretNameSchema,
  inject: Type.Optional(injectSchema),
  reveal: Type.Optional(Type.Literal(true, { description: "The value enters guest memory" })),
  hosts: Type.Optional(Type.Array(hostSchema, { minItems: 1, maxItems: 32, uniqueItems: true })),
  reason,
});

const folder = closed({
  name: folderNameSchema,
  access: Type.Enum(["read", "write"]),
  quota: Type.Optional(size("Bytes that may be written")),
  reason,
});

const pluginTools = closed({
  alias: aliasSchema,
  plugin: idSchema,
  version: Type.Optional(prose(128, "Range of versions that will do")),
  tools: Type.Array(toolNameSchema, { minItems: 1, maxItems: 64, uniqueItems: true }),
  reason,
});

/** The schema of what a manifest asks for; a capability that is not named here cannot be asked. */
export const usesSchema = closed(
  {
    network: Type.Optional(Type.Array(network, { maxItems: 64 })),
    secrets: Type.Optional(Type.Array(secret, { maxItems: 32 })),
    files: Type.Optional(Type.Array(folder, { maxItems: 16 })),
    kv: Type.Optional(
      closed({ quota: size("Bytes of keys and values"), reason: Type.Optional(reason) }),
    ),
    tools: Type.Optional(Type.Array(pluginTools, { maxItems: 32 })),
  },
  { description: "Capabilities that the plugin asks for; without a grant it can only compute" },
);

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

/** An ask for a folder with a purpose. */
export interface FilesAsk {
  readonly name: string;
  readonly access: "read" | "write";
  readonly quotaBytes: number;
  readonly reason: string;
}

/** An ask for the plugin's own key-value store. */
export interface KvAsk {
  readonly quotaBytes: number;
  readonly reason: string;
}

/** An ask for tools of another plugin. */
export interface ToolsAsk {
  readonly alias: string;
  readonly plugin: PluginId;
  readonly range: Range;
  readonly tools: readonly ToolName[];
  readonly reason: string;
}

/** All that a manifest asks for. */
export interface Uses {
  readonly network: readonly NetworkAsk[];
  readonly secrets: readonly SecretAsk[];
  readonly files: readonly FilesAsk[];
  readonly kv: KvAsk | null;
  readonly tools: readonly ToolsAsk[];
}

/** What a plugin without `uses` asks for. */
export const usesNothing: Uses = { network: [], secrets: [], files: [], kv: null, tools: [] };

/** Bytes that may be written to a folder when a manifest does not say. */
const folderQuotaDefault = "64MiB";
const portOf = { https: 443, wss: 443, http: 80, ws: 80 } as const;

/**
 * Returns what `uses` means, with everything that was left out filled in.
 *
 * @param uses    fits `usesSchema`; untrusted
 * @param refuse  makes the error for a place and a problem
 */
export function usesOf(uses: Static<typeof usesSchema>, refuse: Refuse): Uses {
  const { network = [], secrets = [], files = [], kv, tools = [] } = uses;
  checkUnique(secrets, "name", "uses.secrets", refuse);
  checkUnique(files, "name", "uses.files", refuse);
  checkUnique(tools, "alias", "uses.tools", refuse);
  return {
    network: network.map(networkAsk),
    secrets: secrets.map((ask, index) => secretAsk(ask, `uses.secrets[${index}]`, refuse)),
    files: files.map(({ quota = folderQuotaDefault, ...ask }) => ({
      ...ask,
      quotaBytes: parseBytes(quota),
    })),
    kv: kv === undefined ? null : { quotaBytes: parseBytes(kv.quota), reason: kv.reason ?? "" },
    tools: tools.map(({ version = "*", ...ask }, index) => ({
      alias: ask.alias,
      plugin: parsePluginId(ask.plugin),
      range: parsedAt(`uses.tools[${index}].version`, version, parseRange, refuse),
      tools: ask.tools.map(parseToolName),
      reason: ask.reason,
    })),
  };
}

function networkAsk(ask: Static<typeof network>): NetworkAsk {
  const { scheme = "https", methods = ["GET"], path = "/" } = ask;
  const port = ask.port ?? portOf[scheme];
  return { scheme, host: ask.host, port, methods, path, reason: ask.reason };
}

function secretAsk(ask: Static<typeof secret>, path: string, refuse: Refuse): SecretAsk {
  const { name, inject, reveal, hosts = [], reason } = ask;
  if ((inject === undefined) === (reveal === undefined))
    throw refuse(path, "must have either inject or reveal");
  if (inject !== undefined && hosts.length === 0)
    throw refuse(`${path}.hosts`, "must name the hosts that get the secret, found nothing");
  return { name, inject: inject ?? null, hosts, reason };
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
