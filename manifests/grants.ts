import Type, { type Static } from "typebox";
import { createCheck } from "./check.ts";
import { closed, prose, type Refuse, size } from "./document.ts";
import { HostError } from "./errors.ts";
import { parsePluginId, parseToolName, type PluginId, type ToolName } from "./names.ts";
import { quote } from "./quote.ts";
import { bytesText, parseBytes } from "./units.ts";
import {
  aliasSchema,
  checkUnique,
  folderNameSchema,
  hostSchema,
  idSchema,
  type Method,
  methods,
  pathPrefixSchema,
  secretNameSchema,
  toolNameSchema,
} from "./uses.ts";

const utc = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,3})?Z$";

/** What every grant may say besides its scope. */
const terms = {
  per: Type.Optional(Type.Enum(["plugin", "caller"])),
  via: Type.Optional(
    Type.Union(
      [Type.Enum(["direct", "any"]), Type.Array(idSchema, { minItems: 1, maxItems: 64 })],
      {
        errorMessage: "be direct, any, or a list of plugin ids",
      },
    ),
  ),
  expires: Type.Optional(
    Type.String({ pattern: utc, errorMessage: "be a time like 2027-01-31T00:00:00Z" }),
  ),
};

type TermsText = { [Key in keyof typeof terms]?: Static<(typeof terms)[Key]> };

const networkSchema = closed({
  scheme: Type.Enum(["https", "http", "wss", "ws"]),
  host: hostSchema,
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  methods: Type.Array(Type.Enum(methods), { minItems: 1, uniqueItems: true }),
  path: pathPrefixSchema,
  ...terms,
});
const secretSchema = closed({
  name: secretNameSchema,
  secret: prose(64, "The operator's secret that the plugin's name stands for"),
  mode: Type.Enum(["inject", "reveal"]),
  ...terms,
});
const filesSchema = closed({
  name: folderNameSchema,
  folder: Type.Union([prose(1_000, "A folder typed by the operator"), Type.Null()], {
    errorMessage: "be a folder, or null for the plugin's own data folder",
  }),
  access: Type.Enum(["read", "write"]),
  quota: size("Bytes that may be written"),
  ...terms,
});
const kvSchema = closed({ quota: size("Bytes of keys and values"), ...terms });
const toolsSchema = closed({
  alias: aliasSchema,
  plugin: idSchema,
  signer: prose(300, "Who signed the plugin that is called, or unsigned"),
  tools: Type.Array(toolNameSchema, { minItems: 1, maxItems: 64, uniqueItems: true }),
  ...terms,
});

/** The schema of the grants of one plugin, as operators read and write them. */
export const grantsSchema = closed(
  {
    grants: Type.Literal(1, { description: "Version of this form" }),
    network: Type.Optional(Type.Array(networkSchema, { maxItems: 256 })),
    secrets: Type.Optional(Type.Array(secretSchema, { maxItems: 64 })),
    files: Type.Optional(Type.Array(filesSchema, { maxItems: 64 })),
    kv: Type.Optional(kvSchema),
    tools: Type.Optional(Type.Array(toolsSchema, { maxItems: 64 })),
  },
  { title: "What an operator allowed a plugin" },
);

/** Grants as operators read and write them; what is left out is not granted. */
export type GrantsText = Static<typeof grantsSchema>;

/** How a grant may be used: when called directly, through anybody, or through some plugins. */
export type Via = "direct" | "any" | readonly PluginId[];

/** What every grant says besides its scope. */
export interface Terms {
  /** Whether callers share what the grant opens, or each owner of keys has their own. */
  readonly per: "plugin" | "caller";
  readonly via: Via;
  /** Time in UTC after which it is void; null for none. */
  readonly expires: string | null;
}

/** Requests to one host pattern are allowed. */
export interface NetworkGrant extends Terms {
  readonly scheme: "https" | "http" | "wss" | "ws";
  readonly host: string;
  readonly port: number;
  readonly methods: readonly Method[];
  readonly path: string;
}

/** One of the operator's secrets stands for a name of the plugin's. */
export interface SecretGrant extends Terms {
  readonly name: string;
  readonly secret: string;
  readonly mode: "inject" | "reveal";
}

/** A folder stands for a purpose of the plugin's. */
export interface FilesGrant extends Terms {
  readonly name: string;
  /** Null for the plugin's own data folder. */
  readonly folder: string | null;
  readonly access: "read" | "write";
  readonly quotaBytes: number;
}

/** The plugin has a key-value store of its own. */
export interface KvGrant extends Terms {
  readonly quotaBytes: number;
}

/** Tools of another plugin may be called; the edge holds for that signer's plugin only. */
export interface ToolsGrant extends Terms {
  readonly alias: string;
  readonly plugin: PluginId;
  readonly signer: string;
  readonly tools: readonly ToolName[];
}

/** All that one plugin was granted. */
export interface Grants {
  readonly network: readonly NetworkGrant[];
  readonly secrets: readonly SecretGrant[];
  readonly files: readonly FilesGrant[];
  readonly kv: KvGrant | null;
  readonly tools: readonly ToolsGrant[];
}

/** Whose the grants are: the same id from another source or signer is another plugin. */
export interface Binding {
  readonly plugin: PluginId;
  /** Name of the registry, or `local`. */
  readonly source: string;
  /** `unsigned`, or the signer's name. */
  readonly signer: string;
}

/** Grants as the host keeps them, with who said yes, to which digest, and by which door. */
export interface BoundGrants extends Binding {
  readonly grants: Grants;
  readonly digest: string;
  readonly grantedAt: string;
  readonly grantedBy: string;
}

/** What a plugin has to which nobody said yes. */
export const nothingGranted: Grants = {
  network: [],
  secrets: [],
  files: [],
  kv: null,
  tools: [],
};

const refuse: Refuse = (path, problem) => new HostError("GRANTS_INVALID", { path, problem });
const check = createCheck(grantsSchema, ({ path, problem }) => refuse(path, problem));

/**
 * Returns the grants that a document means, with defaults filled in.
 *
 * @param value  parsed JSON; untrusted
 * @throws GRANTS_INVALID
 */
export function parseGrants(value: unknown): Grants {
  const { network = [], secrets = [], files = [], kv, tools = [] } = check(value);
  checkUnique(secrets, "name", "secrets", refuse);
  checkUnique(files, "name", "files", refuse);
  checkUnique(tools, "alias", "tools", refuse);
  return {
    network: network.map((grant) => ({
      ...grant,
      ...termsOf(grant, grant.methods.every(isReading) ? "any" : "direct"),
    })),
    secrets: secrets.map((grant) => ({ ...grant, ...termsOf(grant, "direct") })),
    files: files.map(({ quota, ...grant }) => ({
      ...grant,
      ...termsOf(grant, grant.access === "read" ? "any" : "direct"),
      quotaBytes: parseBytes(quota),
    })),
    kv: kv === undefined ? null : { ...termsOf(kv, "any"), quotaBytes: parseBytes(kv.quota) },
    tools: tools.map((grant) => ({
      ...grant,
      ...termsOf(grant, "any"),
      plugin: parsePluginId(grant.plugin),
      tools: grant.tools.map(parseToolName),
    })),
  };
}

/** Returns grants in the form that `parseGrants` reads. */
export function toGrantsText(grants: Grants): GrantsText {
  const { network, secrets, files, kv, tools } = grants;
  return {
    grants: 1,
    network: network.map((grant) => ({ ...unfixed(grant), methods: [...grant.methods] })),
    secrets: secrets.map(unfixed),
    files: files.map(quotaText),
    ...(kv !== null && { kv: quotaText(kv) }),
    tools: tools.map((grant) => ({ ...unfixed(grant), tools: [...grant.tools] })),
  };
}

function quotaText<Grant extends Terms & { readonly quotaBytes: number }>(grant: Grant) {
  const { quotaBytes, ...rest } = grant;
  return { ...unfixed(rest), quota: bytesText(quotaBytes) };
}

function unfixed<Grant extends Terms>({ via, expires, ...grant }: Grant) {
  const written = typeof via === "string" ? via : [...via];
  return { ...grant, via: written, ...(expires !== null && { expires }) };
}

function termsOf(written: TermsText, viaDefault: "direct" | "any"): Terms {
  const { per = "plugin", via = viaDefault, expires = null } = written;
  if (expires !== null && Number.isNaN(Date.parse(expires)))
    throw refuse("expires", `must be a time that exists, found ${quote(expires)}`);
  return { per, via: typeof via === "string" ? via : via.map(parsePluginId), expires };
}

function isReading(method: Method): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
