import { setTimeout as sleep } from "node:timers/promises";
import type { HostEvent } from "#manifests/events.ts";
import type { Events } from "../events.ts";

/** Brings one event to somebody outside; rejects when it did not get there. */
export type Deliver = (event: HostEvent, signal: AbortSignal) => Promise<void>;

/** How an outbox works. */
export interface OutboxParts {
  readonly events: Events;
  readonly deliver: Deliver;
  /** Waits before another try; the timer of the machine when left out. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Hears that an event was given up, and why. */
  readonly onLost: (event: HostEvent, cause: unknown) => void;
}

/** Events that wait; beyond it the oldest goes, and the next one that leaves says how many went. */
const waitingMax = 1_000;
/** Pauses between the tries of one event: it is given up after some twelve minutes. */
const pausesMs: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000];

/** Delivers every event in order, one at a time, until it is disposed. */
export function openOutbox(parts: OutboxParts): AsyncDisposable {
  const { events, wait = pause } = parts;
  const waiting: HostEvent[] = [];
  const state = { dropped: 0, sending: Promise.resolve(), isSending: false };
  const abort = new AbortController();
  const following = events.follow((event) => {
    waiting.push(event);
    if (waiting.length > waitingMax) {
      waiting.shift();
      state.dropped++;
    }
    if (!state.isSending) state.sending = send();
  });
  return {
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]();
      abort.abort();
      await state.sending;
    },
  };

  async function send(): Promise<void> {
    state.isSending = true;
    for (let next = waiting.shift(); next && !abort.signal.aborted; next = waiting.shift()) {
      const event = { ...next, dropped: state.dropped };
      state.dropped = 0;
      if (!(await arrives(event))) state.dropped += event.dropped + 1;
    }
    state.isSending = false;
  }

  async function arrives(event: HostEvent): Promise<boolean> {
    for (const pauseMs of [...pausesMs, Number.NaN]) {
      try {
        await parts.deliver(event, abort.signal);
        return true;
      } catch (cause) {
        if (Number.isNaN(pauseMs) || abort.signal.aborted) parts.onLost(event, cause);
        else await wait(pauseMs, abort.signal).catch(() => {});
      }
      if (abort.signal.aborted) break;
    }
    return false;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal, ref: false });
}
