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
  const lines: string[] = [];
  let chars = 0;
  let begun = "";
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    chars += text.length;
    // Only the new piece is searched: a long line comes in a thousand of them.
    const [rest = "", ...others] = text.split("\n");
    begun += rest;
    for (const next of others) {
      const line = begun.endsWith("\r") ? begun.slice(0, -1) : begun;
      begun = next;
      if (line !== "") lines.push(line);
      else {
        yield* eventIn(lines.splice(0));
        chars = next.length;
      }
    }
    if (chars > eventCharsMax)
      throw new HostError("ANSWER_INVALID", { where: "the host", reason: "an event is too long" });
  }
}

/** Gives the event that lines make, or nothing when they carry no data. */
function eventIn(lines: readonly string[]): StreamEvent[] {
  const values = (field: string): string[] =>
    lines
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ""));
  const [event = "message"] = values("event");
  const data = values("data");
  return data.length === 0 ? [] : [{ event, data: data.join("\n") }];
}
