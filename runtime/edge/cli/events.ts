import { HostError } from "#manifests/errors.ts";

/** One event of a stream; both texts are untrusted. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** An output of 64 MiB in JSON is the longest event there is. */
const eventCharsMax = 96 * 2 ** 20;

/**
 * Gives the events of a stream as they come; comments are left out.
 *
 * @param body  untrusted
 * @throws ANSWER_INVALID when one event is too long
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let waiting = "";
  for await (const chunk of body) {
    waiting += decoder.decode(chunk, { stream: true });
    const blocks = waiting.split(/\r?\n\r?\n/);
    waiting = blocks.pop() ?? "";
    if (waiting.length > eventCharsMax)
      throw new HostError("ANSWER_INVALID", { where: "the host", reason: "an event is too long" });
    yield* blocks.map(eventOf).filter((event) => event !== undefined);
  }
}

function eventOf(block: string): StreamEvent | undefined {
  const lines = block.split(/\r?\n/);
  const values = (field: string): string[] =>
    lines
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ""));
  const data = values("data");
  return data.length === 0
    ? undefined
    : { event: values("event")[0] ?? "message", data: data.join("\n") };
}
