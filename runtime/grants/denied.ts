import type { Logger } from "pino";
import { untrustedLine } from "../untrusted.ts";
import type { Decision } from "../capabilities/capability.ts";
import type { Clock } from "../clock.ts";
import type { Events } from "../events.ts";
import { allowWords } from "./allow.ts";

/** What telling of denials needs of the host. */
export interface DeniedParts {
  /** About the host itself: only its operator reads it. */
  readonly log: Logger;
  readonly events: Pick<Events, "emit">;
  readonly clock: Pick<Clock, "monotonic">;
}

/** The same denial is logged once in this time. */
const quietMs = 60_000;
/** Denials told apart in it; beyond, the log says nothing, and the events still count. */
const toldMax = 256;

/**
 * Returns what tells the operator that something was denied, with the command that would allow it. The
 * guest, its caller and a model hear none of that.
 */
export function createDeniedTelling({ log, events, clock }: DeniedParts): (of: Decision) => void {
  const told = new Map<string, number>();
  return ({ asker, capability, act, target }) => {
    const { plugin, uses, chain, readOnly, callId } = asker;
    const allow = allowWords(uses, { plugin, capability, target }, { chain, readOnly });
    const text = `${act} was denied; ${allow}; convergio explain ${callId}`;
    events.emit({ kind: "denied", plugin, subject: capability, text });
    const now = clock.monotonic();
    const name = `${plugin} ${act} ${target.slice(0, 200)}`;
    if (now - (told.get(name) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
    if (told.size >= toldMax)
      for (const [each, at] of told) if (now - at >= quietMs) told.delete(each);
    if (told.size >= toldMax) return;
    told.set(name, now);
    const shown = untrustedLine(target.slice(0, 200));
    log.warn({ plugin, callId, capability, act, target: shown, chain, allow }, "denied");
  };
}
