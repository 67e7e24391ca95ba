import { hash } from "node:crypto";
import type { AuditEntry } from "./audit-line.ts";
import type { Usage } from "./call.ts";
import type { OpenCall } from "./call-rules.ts";
import type { Clock } from "./clock.ts";
import type { LiveCall } from "./host.ts";
import type { Outcome } from "./sandbox/runner.ts";

/** Returns a call as those who may see it see it. */
export function toLiveCall(call: OpenCall, clock: Clock): LiveCall {
  const ageMs = clock.monotonic() - call.startedAt;
  const version = call.plugin?.version;
  return {
    callId: call.callId,
    plugin: version?.plugin ?? "",
    version: version?.version ?? "",
    tool: call.tool,
    owner: call.request.caller.owner,
    keyId: call.request.caller.id,
    state: call.state,
    startedAt: new Date(clock.now() - ageMs).toISOString(),
    ageMs: Math.round(ageMs),
  };
}

/**
 * Returns the record of a call that is over: hashes of what it was given, never the input itself.
 *
 * @param code of the error that it ended with; undefined when it was answered
 */
export function toAuditEntry(
  call: OpenCall,
  code: string | undefined,
  usage: Pick<Usage, "fuel" | "wallMs" | "hostCalls">,
): AuditEntry {
  const { caller, input, parent, requestId = null } = call.request;
  const version = call.plugin?.version;
  const bytes = "json" in input ? input.json : input.bytes;
  return {
    kind: "call",
    act: "invoke",
    decision: code === undefined ? "allowed" : decisionOf(code),
    code: code ?? null,
    owner: caller.owner,
    keyId: caller.id,
    callId: call.callId,
    requestId,
    plugin: version?.plugin ?? null,
    version: version?.version ?? null,
    digest: version?.digest ?? null,
    tool: call.tool.slice(0, 64) || null,
    // What was asked for in vain; of a plugin that is there its id says enough.
    target: version ? null : call.request.plugin.slice(0, 128),
    chain: [...(parent?.chain ?? [])],
    inputHash: `sha256:${hash("sha256", bytes)}`,
    bytes: Buffer.byteLength(bytes),
    fuel: Math.round(usage.fuel),
    hostCalls: usage.hostCalls,
    wallMs: usage.wallMs,
  };
}

/** Whether a call was refused before it ran, or failed. */
function decisionOf(code: string): "denied" | "failed" {
  const denied = ["SCOPE_MISSING", "PLUGIN_NOT_FOUND", "PLUGIN_INACTIVE", "TOOL_NOT_FOUND"];
  return denied.includes(code) ? "denied" : "failed";
}

/** Returns what a call cost by now, a moment of the monotonic clock. */
export function toUsage(
  call: OpenCall,
  { fuel, memoryBytes, hostCalls }: Outcome,
  now: number,
): Usage {
  const wallMs = Math.round((now - call.runningSince) * 1000) / 1000;
  // What a runner says is a claim: never more than it was given.
  return { fuel: Math.min(fuel, call.fuelLimit), wallMs, memoryBytes, hostCalls };
}
