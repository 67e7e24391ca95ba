import assert from "node:assert/strict";
import Type, { type Static } from "typebox";
import { type ToolsGrant, toolsAsks } from "#manifests/capabilities/tools.ts";
import type { PluginId, Range, ToolName } from "#manifests/names.ts";
import type { Uses } from "#manifests/uses.ts";
import { type Asker, type Capability, hostFunction } from "./capability.ts";

/** A tool of another plugin, as an edge that was granted names it. */
export interface Callee {
  readonly plugin: PluginId;
  readonly signer: string;
  /** Versions that will do, as the manifest of who calls says. */
  readonly range: Range;
  readonly tool: ToolName;
}

/**
 * Calls a tool of another plugin with its own grants; what is left to the asker of time, fuel, host
 * calls and bytes are its bounds. Returns the JSON text of the output. It is passed on unread: to build
 * its values would take the host's time and memory.
 */
export type CallTool = (asker: Asker, callee: Callee, input: unknown) => Promise<Uint8Array>;

/** Returns whether the tool that would answer says that it only reads. Pure, and quick. */
export type IsReadOnly = (callee: Callee) => boolean;

const request = Type.Object(
  { tool: Type.String({ minLength: 1, maxLength: 128 }), input: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
);

/**
 * Another plugin's tools, by the names under which the manifest asked for them: `alias` where the
 * alias has one tool, else `alias/tool`. What was not granted is CAPABILITY_DENIED, and so is to a tool
 * that says it only reads every tool that does not say so.
 *
 * @param isReadOnly  every tool may write when left out
 * @throws CAPABILITY_DENIED to the guest
 */
export function createTools(callTool: CallTool, isReadOnly: IsReadOnly = () => false): Capability {
  const call = hostFunction<string, ToolsGrant>({
    import: "extism:host/user.tools_call",
    capability: "tools",
    act: "tools_call",
    about: "Calls a tool of another plugin by its alias; gives what it answers.",
    reads: false,
    request,
    response: Type.Unknown(),
    target: ({ tool }: Static<typeof request>) => tool,
    grantFor: ({ tools }, name, { uses, readOnly }) =>
      tools.find((grant) => {
        const callee = calleeIn(grant, uses, name);
        return callee !== undefined && (!readOnly || isReadOnly(callee));
      }),
    text: (target) => target,
    async effect(asker, { tool, input }: Static<typeof request>, _, __, grant) {
      const callee = calleeIn(grant, asker.uses, tool);
      assert(callee, "the grant is the one that leads there");
      return { json: await callTool(asker, callee, input ?? null) };
    },
  });
  return {
    name: "tools",
    functions: [call],
    asks: ({ tools }) => toolsAsks(tools),
  };
}

/** Returns what a name leads to by an edge: `alias` where it has one tool, or `alias/tool`. */
function calleeIn(grant: ToolsGrant, uses: Uses, name: string): Callee | undefined {
  const { alias, tools, plugin, signer } = grant;
  const [named, asked, ...rest] = name.split("/");
  if (named !== alias || rest.length > 0) return undefined;
  const only = tools.length === 1 ? tools[0] : undefined;
  const tool = asked === undefined ? only : tools.find((each) => each === asked);
  const ask = uses.tools.find((each) => each.alias === alias && each.plugin === plugin);
  // An edge that the version that runs does not ask for is none.
  return tool && ask && { plugin, signer, tool, range: ask.range };
}
