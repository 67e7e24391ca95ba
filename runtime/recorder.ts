import type { Audit } from "./audit.ts";
import type { Decision, GuardPorts } from "./capabilities/capability.ts";
import type { Metrics } from "./metrics.ts";
import type { Storage } from "./storage.ts";

/** What decisions about guests' questions are told to. */
export interface RecorderParts {
  readonly audit: Audit;
  readonly metrics: Metrics;
  /** Tells the operator what would allow what was denied. */
  readonly tellDenied: (of: Decision) => void;
  readonly storage: Storage;
}

/** Longest target that a record holds, in characters. */
const targetCharsMax = 512;

/**
 * Books, audits and tells what guests ask for, before it happens.
 *
 * An effect on a full disk is refused before it is recorded: the last of the room is for records of what
 * makes room.
 */
export function createRecorder({
  audit,
  metrics,
  tellDenied,
  storage,
}: RecorderParts): GuardPorts["record"] {
  return (decided) => {
    const { asker, capability, act, target, allowed } = decided;
    storage.checkEffect();
    const decision = allowed ? "allowed" : "denied";
    metrics.effect(capability, decision);
    const { owner, callId, plugin } = asker;
    const shown = target.slice(0, targetCharsMax);
    audit.append({
      kind: "effect",
      act,
      decision,
      owner,
      callId,
      plugin,
      capability,
      target: shown,
    });
    if (!allowed) tellDenied(decided);
  };
}
