import Type, { type Static } from "typebox";
import { HostError } from "#manifests/errors.ts";
import { type ToolsGrant, toolsAsks } from "#manifests/capabilities/tools.ts";
import type { Grants } from "#manifests/grants.ts";
import { type Asker, type Capability, hostFunction } from "./capability.ts";

/**
 * Calls a tool of another plugin with its own grants; the asker's deadline and fuel are its bounds.
 * Returns the JSON text of the output. It is passed on unread: to build its values would take the
 * host's time and memory.
 */
export type CallTool = (
  asker: Asker,
  callee: { readonly plugin: string; readonly signer: string; readonly tool: string },
  input: unknown,
) => Promise<Uint8Array>;

const request = Type.Object(
  { tool: Type.String({ minLength: 1, maxLength: 128 }), input: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
);

/**
 * Another plugin's tools, by the names under which the manifest asked for them: `alias` where the
 * alias has one tool, else `alias/tool`. What was not granted is CAPABILITY_DENIED.
 *
 * @throws CAPABILITY_DENIED to the guest
 */
export function createTools(callTool: CallTool): Capability {
  const call = hostFunction<string>({
    import: "extism:host/user.tools_call",
    capability: "tools",
    act: "tools_call",
    about: "Calls a tool of another plugin by its alias; gives what it answers.",
    reads: false,
    request,
    response: Type.Unknown(),
    target: ({ tool }: Static<typeof request>) => tool,
    grantFor: (grants, target) => granted(grants, target)?.grant,
    text: (target) => target,
    async effect(asker, { tool, input }: Static<typeof request>) {
      const edge = granted(asker.grants(), tool);
      if (edge === undefined) {
        throw new HostError("CAPABILITY_DENIED", { verb: "call a tool", plugin: asker.plugin });
      }
      const { plugin, signer } = edge.grant;
      return { json: await callTool(asker, { plugin, signer, tool: edge.tool }, input ?? null) };
    },
  });
  return {
    name: "tools",
    functions: [call],
    asks: ({ tools }) => toolsAsks(tools),
  };
}

function granted(grants: Grants, name: string): { grant: ToolsGrant; tool: string } | undefined {
  const [alias, asked, ...rest] = name.split("/");
  const grant = grants.tools.find((each) => each.alias === alias);
  const only = grant?.tools.length === 1 ? grant.tools[0] : undefined;
  const tool = asked ?? only;
  if (!grant || rest.length > 0 || !grant.tools.some((each) => each === tool)) return undefined;
  return { grant, tool: tool as string };
}
