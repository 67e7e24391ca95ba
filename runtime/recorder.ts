import type { Audit } from "./audit.ts";
import type { GuardPorts } from "./capabilities/capability.ts";
import type { Events } from "./events.ts";
import type { Metrics } from "./metrics.ts";
import type { Storage } from "./storage.ts";

/** What decisions about guests' questions are told to. */
export interface RecorderParts {
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly events: Events;
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
  events,
  storage,
}: RecorderParts): GuardPorts["record"] {
  return ({ asker, capability, act, target, allowed }) => {
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
    if (!allowed) {
      const text = `${act} was denied; convergio audit --plugin ${plugin} --decision denied`;
      events.emit({ kind: "denied", plugin, subject: capability, text });
    }
  };
}
