import { HostError } from "#manifests/errors.ts";
import type { FairQueue, Waiter } from "./queue.ts";

/** How long and for what somebody waits. */
export interface Patience {
  /** For messages. */
  readonly plugin: string;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
  /** Hears that somebody left without a place. */
  readonly onLeave: () => void;
}

/**
 * Waits in a queue until there is a place.
 *
 * @throws QUEUE_TIMEOUT, CALL_CANCELLED, and what those who wait are refused with
 */
export function waitIn<Place>(
  queue: FairQueue<Place>,
  caller: string,
  { plugin, limitMs, signal, onLeave }: Patience,
): Promise<Place> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    };
    const waiter: Waiter<Place> = {
      caller,
      grant: (place) => {
        end();
        resolve(place);
      },
      refuse: (error) => {
        end();
        reject(error);
      },
    };
    const leave = (error: HostError) => {
      if (queue.remove(waiter)) waiter.refuse(error);
      onLeave();
    };
    const cancel = () => leave(new HostError("CALL_CANCELLED", { plugin }));
    const timer = setTimeout(
      () => leave(new HostError("QUEUE_TIMEOUT", { plugin, limitMs })),
      limitMs,
    );
    signal?.addEventListener("abort", cancel, { once: true });
    queue.push(waiter);
  });
}
