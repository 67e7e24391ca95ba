import Type, { type Static } from "typebox";
import {
  type FilesGrant,
  filesGrant,
  filesGrantSchema,
  filesGrantText,
} from "./capabilities/files.ts";
import { type KvGrant, kvGrant, kvGrantSchema, kvGrantText } from "./capabilities/kv.ts";
import {
  type NetworkGrant,
  networkGrant,
  networkGrantSchema,
  networkGrantText,
} from "./capabilities/network.ts";
import {
  type SecretGrant,
  secretGrant,
  secretGrantSchema,
  secretGrantText,
} from "./capabilities/secrets.ts";
import { checkUnique, refuseGrants } from "./capabilities/terms.ts";
import {
  type ToolsGrant,
  toolsGrant,
  toolsGrantSchema,
  toolsGrantText,
} from "./capabilities/tools.ts";
import { createCheck } from "./check.ts";
import { closed } from "./document.ts";
import type { PluginId } from "./names.ts";

/** The schema of the grants of one plugin, as operators read and write them. */
export const grantsSchema = closed(
  {
    grants: Type.Literal(1, { description: "Version of this form" }),
    network: Type.Optional(Type.Array(networkGrantSchema, { maxItems: 256 })),
    secrets: Type.Optional(Type.Array(secretGrantSchema, { maxItems: 64 })),
    files: Type.Optional(Type.Array(filesGrantSchema, { maxItems: 64 })),
    kv: Type.Optional(kvGrantSchema),
    tools: Type.Optional(Type.Array(toolsGrantSchema, { maxItems: 64 })),
  },
  { title: "What an operator allowed a plugin" },
);

/** Grants as operators read and write them; what is left out is not granted. */
export type GrantsText = Static<typeof grantsSchema>;

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

const check = createCheck(grantsSchema, ({ path, problem }) => refuseGrants(path, problem));

/**
 * Returns the grants that a document means, with defaults filled in.
 *
 * @param value  parsed JSON; untrusted
 * @throws GRANTS_INVALID
 */
export function parseGrants(value: unknown): Grants {
  const { network = [], secrets = [], files = [], kv, tools = [] } = check(value);
  checkUnique(secrets, "name", "secrets", refuseGrants);
  checkUnique(files, "name", "files", refuseGrants);
  checkUnique(tools, "alias", "tools", refuseGrants);
  return {
    network: network.map(networkGrant),
    secrets: secrets.map(secretGrant),
    files: files.map(filesGrant),
    kv: kv === undefined ? null : kvGrant(kv),
    tools: tools.map(toolsGrant),
  };
}

/** Returns grants in the form that `parseGrants` reads. */
export function toGrantsText(grants: Grants): GrantsText {
  const { network, secrets, files, kv, tools } = grants;
  return {
    grants: 1,
    network: network.map(networkGrantText),
    secrets: secrets.map(secretGrantText),
    files: files.map(filesGrantText),
    ...(kv !== null && { kv: kvGrantText(kv) }),
    tools: tools.map(toolsGrantText),
  };
}
