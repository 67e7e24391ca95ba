import Type, { type Static } from "typebox";
import { checkUnique, idSchema } from "./capabilities/terms.ts";
import { createCheck } from "./check.ts";
import { closed, matching, prose, type Refuse } from "./document.ts";
import { HostError } from "./errors.ts";
import { type GrantsText, parseGrants, toGrantsText } from "./grants.ts";
import { quote } from "./quote.ts";
import { parseStrictJson } from "./strict-json.ts";

const pluginSchema = closed({
  id: idSchema,
  digest: matching("^sha256:[0-9a-f]{64}$", "be a digest such as sha256:…", "Of the package"),
  source: Type.Optional(
    prose(4_096, "Folder or file that it is installed from, seen from this file"),
  ),
  state: Type.Optional(Type.Enum(["enabled", "disabled", "stopped"])),
  grants: Type.Optional(
    Type.Unsafe<Readonly<Record<string, unknown>>>({
      type: "object",
      description: "All that it may do, in the form that `plugin grants` prints",
    }),
  ),
  config: Type.Optional(Type.Record(Type.String({ maxLength: 128 }), Type.Unknown())),
});

const keySchema = closed({
  owner: prose(128, "Whose it is"),
  name: prose(128, "What it is for"),
  scopes: Type.Array(Type.String({ maxLength: 256 }), { minItems: 1, maxItems: 32 }),
  ratePerMinute: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e6 })),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_650 })),
});

/** The schema of a file that says how a host is to be. */
export const desiredSchema = closed(
  {
    desired: Type.Literal(1, { description: "Version of this form" }),
    plugins: Type.Optional(Type.Array(pluginSchema, { maxItems: 1_000 })),
    keys: Type.Optional(Type.Array(keySchema, { maxItems: 1_000 })),
    secrets: Type.Optional(
      Type.Array(prose(64, "Name of a secret"), {
        maxItems: 1_000,
        description: "Secrets that must be there; their values are never in a file",
      }),
    ),
    settings: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
        description: "The sections of the configuration file",
      }),
    ),
  },
  { title: "How a host is to be" },
);

/** A plugin as it is to be. */
export interface DesiredPlugin {
  readonly id: string;
  readonly digest: string;
  readonly source: string | null;
  readonly state: "enabled" | "disabled" | "stopped";
  /** Null when they are left as they are; of a new plugin: all but secrets. */
  readonly grants: GrantsText | null;
  readonly config: Readonly<Record<string, unknown>> | null;
}

/** A key as it is to be. */
export type DesiredKey = Static<typeof keySchema>;

/** How a host is to be; what is null is left as it is. */
export interface Desired {
  readonly plugins: readonly DesiredPlugin[];
  readonly keys: readonly DesiredKey[];
  /** Names of secrets that must be there. */
  readonly secrets: readonly string[];
  readonly settings: Readonly<Record<string, unknown>> | null;
}

/** Bytes of such a file: a thousand plugins with their grants. */
const bytesMax = 16 * 2 ** 20;

/**
 * Returns what a file says about how a host is to be.
 *
 * @param bytes  UTF-8 JSON; untrusted
 * @param file   its name, for errors
 * @throws DESIRED_INVALID, GRANTS_INVALID, JSON_INVALID
 */
export function parseDesired(bytes: Uint8Array, file: string): Desired {
  const refuse: Refuse = (path, problem) =>
    new HostError("DESIRED_INVALID", { file: quote(file), path, problem });
  const check = createCheck(desiredSchema, ({ path, problem }) => refuse(path, problem));
  const written = check(parseStrictJson(bytes, { what: file, bytesMax }));
  const { plugins = [], keys = [], secrets = [], settings = null } = written;
  checkUnique(plugins, "id", "plugins", refuse);
  const named = keys.map(({ owner, name }) => ({ key: `${owner}/${name}` }));
  checkUnique(named, "key", "keys", refuse);
  return {
    plugins: plugins.map(
      ({ source = null, state = "enabled", grants, config = null, ...plugin }) => ({
        ...{ ...plugin, source, state, config },
        grants: grants === undefined ? null : toGrantsText(parseGrants(grants)),
      }),
    ),
    keys,
    secrets,
    settings,
  };
}
