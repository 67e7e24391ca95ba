import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { httpLimits } from "./limits.ts";

/** An answer that goes out event by event. */
export interface EventStream extends Disposable {
  /** False until the first byte is out: a failure can still be an ordinary status. */
  readonly isOpen: boolean;
  /** Settles when the client is gone or the answer has ended. */
  readonly closed: Promise<void>;
  /** Sends the status and the headers. */
  open(): void;
  /**
   * Sends an event, or leaves it out when the reader is far behind.
   *
   * @param json  JSON text; line breaks between its tokens are allowed
   */
  send(event: string, json: string): void;
  /** Sends the last event, however slow the reader, and ends the answer. */
  finish(event: string, json: string): void;
  /** Ends the answer without a word. */
  end(): void;
}

/**
 * Creates a stream of events over a reply, with a comment every 15 s so that proxies keep it open.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function createEventStream(reply: FastifyReply): EventStream {
  const { raw } = reply;
  const state = { isOpen: false, leftOut: 0 };
  const heartbeat = setInterval(() => write(": still here\n\n"), httpLimits.heartbeatMs);
  const { promise: closed, resolve: settle } = Promise.withResolvers<void>();
  raw.once("close", stop);
  return {
    closed,
    open,
    get isOpen() {
      return state.isOpen;
    },
    send(event, json) {
      if (raw.writableLength > httpLimits.streamWaitingBytesMax) state.leftOut++;
      else write(leftOutText() + eventText(event, json));
    },
    finish(event, json) {
      write(leftOutText() + eventText(event, json));
      raw.end();
      stop();
    },
    end: () => void raw.end(),
    [Symbol.dispose]: stop,
  };

  function write(text: string): void {
    if (raw.destroyed || raw.writableEnded) return;
    open();
    raw.write(text);
  }

  function open(): void {
    if (!state.isOpen) start(reply, raw);
    state.isOpen = true;
  }

  function leftOutText(): string {
    if (state.leftOut === 0) return "";
    const count = state.leftOut;
    state.leftOut = 0;
    return eventText("dropped", JSON.stringify({ events: count }));
  }

  function stop(): void {
    clearInterval(heartbeat);
    settle();
  }
}

/** Returns whether a client wants events. */
export function wantsEvents(accept: string | undefined): boolean {
  return accept?.includes("text/event-stream") ?? false;
}

function start(reply: FastifyReply, raw: ServerResponse): void {
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": "text/event-stream; charset=utf-8",
    // Proxies that collect an answer before they pass it on would turn progress into silence.
    "x-accel-buffering": "no",
  });
  raw.flushHeaders();
}

/** A line break in JSON stands between tokens only, so the reader may join the lines as it likes. */
function eventText(event: string, json: string): string {
  return `event: ${event}\ndata: ${json.replace(/\r\n?|\n/g, "\ndata: ")}\n\n`;
}
