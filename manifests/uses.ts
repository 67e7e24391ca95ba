import Type, { type Static } from "typebox";
import { type FilesAsk, filesAsk, filesAskSchema } from "./capabilities/files.ts";
import { type KvAsk, kvAsk, kvAskSchema } from "./capabilities/kv.ts";
import { type NetworkAsk, networkAsk, networkAskSchema } from "./capabilities/network.ts";
import { type SecretAsk, secretAsk, secretAskSchema } from "./capabilities/secrets.ts";
import { checkUnique } from "./capabilities/terms.ts";
import { type ToolsAsk, toolsAsk, toolsAskSchema } from "./capabilities/tools.ts";
import { closed, type Refuse } from "./document.ts";

/** The schema of what a manifest asks for; a capability that is not named here cannot be asked. */
export const usesSchema = closed(
  {
    network: Type.Optional(Type.Array(networkAskSchema, { maxItems: 64 })),
    secrets: Type.Optional(Type.Array(secretAskSchema, { maxItems: 32 })),
    files: Type.Optional(Type.Array(filesAskSchema, { maxItems: 16 })),
    kv: Type.Optional(kvAskSchema),
    tools: Type.Optional(Type.Array(toolsAskSchema, { maxItems: 32 })),
  },
  { description: "Capabilities that the plugin asks for; without a grant it can only compute" },
);

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
    files: files.map(filesAsk),
    kv: kv === undefined ? null : kvAsk(kv),
    tools: tools.map((ask, index) => toolsAsk(ask, `uses.tools[${index}]`, refuse)),
  };
}
