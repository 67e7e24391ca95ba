import { createHmac } from "node:crypto";
import type { HostEvent } from "#manifests/events.ts";
import { HostError } from "#manifests/errors.ts";
import type { Clock } from "../clock.ts";
import type { Deliver } from "./outbox.ts";

/** Where events go, and what proves that they come from here. */
export interface WebHook {
  /** From the host's settings: https, or http on this machine. */
  readonly url: string;
  /** Shared with the receiver. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
}

const timeoutMs = 10_000;

/**
 * Returns what posts events to a web hook.
 *
 * The header `convergio-signature` is `sha256=` and the HMAC-SHA256, in hexadecimal, of the value of
 * `convergio-timestamp` (seconds since 1970), a dot and the body. A receiver computes it anew, compares in
 * constant time, and refuses times that are more than five minutes off; `convergio-event` is the same in
 * every try. Redirects are not followed: what is signed is for the address that was named.
 */
export function createWebHook({ url, secret, clock }: WebHook): Deliver {
  return async (event, signal) => {
    const body = JSON.stringify(event);
    const timestamp = String(Math.floor(clock.now() / 1000));
    const answer = await fetch(url, {
      method: "POST",
      body,
      redirect: "error",
      headers: {
        "content-type": "application/json",
        "user-agent": "convergio",
        "convergio-event": event.id,
        "convergio-timestamp": timestamp,
        "convergio-signature": signatureOf(secret, timestamp, body),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw undelivered(event, `the web hook answered ${answer.status}`);
  };
}

/** Returns the value of the header `convergio-signature`. */
export function signatureOf(secret: Uint8Array, timestamp: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

/** Returns why an event did not arrive. */
export function undelivered({ id }: Pick<HostEvent, "id">, reason: string): HostError {
  return new HostError("EVENT_UNDELIVERED", { event: id, reason });
}
