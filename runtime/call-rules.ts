import { HostError } from "#manifests/errors.ts";
import { covers } from "#manifests/keys.ts";
import { quote } from "#manifests/quote.ts";
import type { CallRequest, ParentCall, Ticket } from "./call.ts";
import { type Message, refusal } from "./capabilities/capability.ts";
import type { Active } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { Outcome } from "./sandbox/runner.ts";

/** A ticket with what the call has come to so far. */
export interface OpenCall extends Ticket {
  readonly startedAt: number;
  readonly abort: AbortController;
  /** Fires when the call is over; made when somebody asks for it, for most calls never need it. */
  over: AbortController | undefined;
  isOver: boolean;
  plugin: Active | undefined;
  tool: string;
  state: "queued" | "running";
  runningSince: number;
  deadlineAt: number;
  fuelLimit: number;
  /** Units that calls made on behalf of this one have burnt. */
  childFuel: number;
  hasChildren: boolean;
  /** Host calls of this call and of those made on its behalf. */
  asked: number;
  /** Units that it had burnt when it asked last, as its runner says, its children's among them. */
  burnt: number;
  /** Bytes that calls made on its behalf have answered. */
  bytesTaken: number;
  /** Whether it has asked for anything that must not happen twice. */
  hasWritten: boolean;
  leave: (() => void) | undefined;
  /** Ended because the host stops, and not because anybody cancelled it. */
  isStopped: boolean;
}

/**
 * Counts a host call for its own call and for all on whose behalf that runs. Whether it is within the
 * bounds of each: to ask others gives nobody more questions than they have themselves.
 *
 * @param open  the calls that run, by their ids
 */
export function mayAsk(call: OpenCall, open: ReadonlyMap<string, OpenCall>): boolean {
  let may = true;
  for (let each: OpenCall | undefined = call; each !== undefined; ) {
    each.asked += 1;
    may &&= each.asked <= (each.plugin?.limits.hostCalls ?? 0);
    const { parent }: OpenCall["request"] = each.request;
    each = parent && open.get(parent.callId);
  }
  return may;
}

/** Returns what a guest is told when it, or one on whose behalf it runs, asked too often. */
export function askedTooOften(plugin: string): Message {
  return refusal(new HostError("HOST_CALLS_EXHAUSTED", { plugin }));
}

/** What is left to the calls that a call makes, and how it takes what they answer. */
export interface LeftOver extends ParentCall, Pick<OpenCall, "request" | "abort"> {
  /**
   * Books bytes of an answer: all answers together are at most what the call may answer itself.
   * @throws OUTPUT_TOO_LARGE
   */
  readonly take: (bytes: number) => void;
}

/** Returns what of its own budget a call leaves to one that it makes. */
export function leftOf(call: OpenCall): LeftOver {
  const { callId, request, abort, deadlineAt } = call;
  const plugin = call.plugin?.version.plugin ?? "";
  return {
    callId,
    request,
    abort,
    depth: (request.parent?.depth ?? 0) + 1,
    deadlineAt,
    fuelLeft: Math.max(0, call.fuelLimit - Math.max(call.childFuel, call.burnt)),
    chain: [...(request.parent?.chain ?? []), plugin],
    outermost: request.parent?.outermost ?? call,
    take: (bytes) => takeBytes(call, bytes),
  };
}

/** @throws OUTPUT_TOO_LARGE */
function takeBytes(call: OpenCall, bytes: number): void {
  const limit = call.plugin?.limits.outputBytes ?? 0;
  call.bytesTaken += bytes;
  if (call.bytesTaken <= limit) return;
  throw new HostError("OUTPUT_TOO_LARGE", { plugin: call.plugin?.version.plugin ?? "", limit });
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

/** Whose calls share instances: a plugin that calls on somebody's behalf is somebody else. */
export function callerKey({ caller, parent }: CallRequest): string {
  return parent === undefined ? caller.id : `${caller.id} ${parent.chain.join(" ")}`;
}

/** Throws when a caller may not end a call. @throws CALL_NOT_FOUND, SCOPE_MISSING */
export function checkEnds(caller: Caller, callId: string, call: OpenCall | undefined): OpenCall {
  if (!call || !maySee(caller, call)) {
    throw new HostError("CALL_NOT_FOUND", { call: quote(callId) });
  }
  // To read what others do is no right to end it.
  if (call.request.caller.id === caller.id || covers(caller.scopes, "admin")) return call;
  throw new HostError("SCOPE_MISSING", { scope: "admin" });
}

/**
 * Whether a call may be run a second time after its runner died: it waited for an answer, so that it
 * was not what killed the runner, and asked for nothing that must not happen twice.
 */
export function mayRunAgain({ hasWritten, abort }: OpenCall, outcome: Outcome): boolean {
  return outcome.diedWaiting === true && !hasWritten && !abort.signal.aborted;
}

/** Returns how a call failed, in the words for those whom the host itself has ended. */
export function asStopped({ isStopped }: OpenCall, failure: HostError): HostError {
  const isCancelled = isStopped && failure.code === "CALL_CANCELLED";
  return isCancelled ? new HostError("HOST_STOPPING", {}, { cause: failure }) : failure;
}

/** Returns a failure with the number of its call; a new one, for many calls may fail by the same. */
export function ofCall({ callId }: OpenCall, failure: HostError): HostError {
  return Object.assign(new HostError(failure.code, failure.facts, { cause: failure }), { callId });
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

/** Returns the ids of the live calls on whose behalf one is made, the nearest first. */
export function lineageOf(call: OpenCall, open: ReadonlyMap<string, OpenCall>): readonly string[] {
  const above = open.get(call.request.parent?.callId ?? "");
  return above === undefined ? [] : [above.callId, ...lineageOf(above, open)];
}
