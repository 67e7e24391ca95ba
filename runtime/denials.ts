import type { Audit } from "./audit.ts";
import type { AuditEntry } from "./audit-line.ts";
import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";

/** A request that a door turned away before anything was done for it. */
export interface Refusal {
  readonly code: string;
  /** Address, or group of addresses, that it came from. */
  readonly source: string;
  readonly requestId: string;
  /** Whose key it carried; null when it carried none that is known. */
  readonly keyId: string | null;
  readonly owner: string | null;
  /** Method and route; never the path as it was written. */
  readonly target: string;
}

/**
 * Requests that were turned away, as records.
 *
 * The first of a source and a reason in a minute is recorded at once; those that follow are one record
 * with their number when the minute is over, so that a flood is two lines a minute.
 */
export interface Denials {
  /** Never throws: a request that is refused anyway does not wait for its record. */
  refused(refusal: Refusal): void;
  /** Records what was counted in minutes that are over, or in all of them. */
  sweep(all?: boolean): void;
}

const windowMs = 60_000;
/** Sources told apart in a minute; the rest are counted together. */
const sourcesMax = 256;

interface Counted {
  readonly refusal: Refusal;
  readonly fromMs: number;
  /** After the first. */
  more: number;
}

/** Creates the counts of one host. */
export function createDenials(audit: Audit, events: Events, clock: Clock): Denials {
  const windows = new Map<string, Counted>();
  return { refused, sweep };

  function refused(refusal: Refusal): void {
    const { code, source, keyId } = refusal;
    const who = keyId === null ? source : `key ${keyId}`;
    const text = `requests of ${who} are refused with ${code}; convergio audit --kind request`;
    events.emit({ kind: "denied", subject: who, text });
    const whole = `${code} ${source} ${keyId}`;
    const name = windows.has(whole) || windows.size < sourcesMax ? whole : code;
    const open = windows.get(name);
    if (open !== undefined && clock.monotonic() - open.fromMs < windowMs) {
      open.more++;
      return;
    }
    close(name, open);
    const told =
      name === whole ? refusal : { ...refusal, source: "many", keyId: null, owner: null };
    windows.set(name, { refusal: told, fromMs: clock.monotonic(), more: 0 });
    record(told, 1);
  }

  function sweep(all = false): void {
    for (const [name, window] of windows)
      if (all || clock.monotonic() - window.fromMs >= windowMs) close(name, window);
  }

  function close(name: string, window: Counted | undefined): void {
    windows.delete(name);
    if (window !== undefined && window.more > 0) record(window.refusal, window.more);
  }

  function record(refusal: Refusal, count: number): void {
    try {
      audit.append(entryOf(refusal, count));
    } catch {
      // Whoever asked is refused all the same, and health tells that nothing is recorded.
    }
  }
}

function entryOf({ source, ...refusal }: Refusal, count: number): AuditEntry {
  const { code, requestId, keyId, owner, target } = refusal;
  return {
    kind: "request",
    act: "refuse",
    decision: "denied",
    ...{ code, requestId, keyId, owner, count },
    target: `${target} from ${source}`.slice(0, 512),
  };
}
