import { HostError } from "#manifests/errors.ts";
import { covers } from "#manifests/keys.ts";
import { quote } from "#manifests/quote.ts";
import type { CallRequest, Ticket } from "./call.ts";
import type { Active } from "./installed.ts";
import type { Caller } from "./keys.ts";

/** A ticket with what the call has come to so far. */
export interface OpenCall extends Ticket {
  readonly startedAt: number;
  readonly abort: AbortController;
  plugin: Active | undefined;
  tool: string;
  state: "queued" | "running";
  runningSince: number;
  deadlineAt: number;
  fuelLimit: number;
  /** Units that calls made on behalf of this one have burnt. */
  childFuel: number;
  hasChildren: boolean;
  leave: (() => void) | undefined;
}

/** Throws when a caller may not call a plugin's tool. @throws SCOPE_MISSING */
export function checkCaller({ caller, parent, tool }: CallRequest, plugin: string): void {
  // A call on a plugin's behalf is covered by the edge that was granted.
  if (parent !== undefined) return;
  // Who may not call it is not told whether it is there.
  const scope = `invoke:${plugin}`;
  if (covers(caller.scopes, scope)) return;
  const narrow = tool === undefined ? scope : `${scope}:${tool}`;
  if (!covers(caller.scopes, narrow)) throw new HostError("SCOPE_MISSING", { scope: narrow });
}

/** Whether a call was refused before it ran, or failed. */
export function decisionOf(code: string): "denied" | "failed" {
  const denied = ["SCOPE_MISSING", "PLUGIN_NOT_FOUND", "PLUGIN_INACTIVE", "TOOL_NOT_FOUND"];
  return denied.includes(code) ? "denied" : "failed";
}

/** Whose calls share instances: a plugin that calls on somebody's behalf is somebody else. */
export function callerKey({ caller, parent }: CallRequest): string {
  return parent === undefined ? caller.id : `${caller.id} ${parent.chain.join(" ")}`;
}

/** Whether a caller may see a call: those of its own key, or all with the scope `logs`. */
export function maySee(caller: Caller, call: OpenCall): boolean {
  return covers(caller.scopes, "logs") || call.request.caller.id === caller.id;
}

/** Returns the tool that is meant: the only one when none is named. @throws TOOL_NOT_FOUND */
export function toolOf(plugin: Active, asked: string | undefined): string {
  const { tools } = plugin;
  const [only] = tools.size === 1 ? tools.keys() : [];
  const name = asked ?? only;
  if (name !== undefined && tools.has(name)) return name;
  const tool = asked === undefined ? "that was not named" : quote(asked);
  const names = [...tools.keys()].slice(0, 20).join(", ");
  throw new HostError("TOOL_NOT_FOUND", { plugin: plugin.version.plugin, tool, tools: names });
}
