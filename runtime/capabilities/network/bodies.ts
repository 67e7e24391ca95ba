import { HostError } from "#manifests/errors.ts";
import type { Asker } from "../capability.ts";
import { fixed } from "./limits.ts";
import type { Answer } from "./send.ts";
import type { Target } from "./target.ts";

/**
 * Returns a body as a whole.
 *
 * @throws NETWORK_ANSWER_REFUSED when it is larger, and what reading throws
 */
export async function wholeBody(
  { body, host, room, end }: Answer,
  bytesMax: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of body) {
      bytes += piece.length;
      if (bytes > bytesMax) {
        const reason = `its body is larger than ${bytesMax} bytes`;
        throw new HostError("NETWORK_ANSWER_REFUSED", { host, reason });
      }
      room.take(host, piece.length);
      pieces.push(piece);
    }
  } finally {
    end();
  }
  return Buffer.concat(pieces);
}

/** A body that a guest reads in pieces. */
interface Stream {
  readonly target: Target;
  readonly pieces: AsyncIterator<Uint8Array>;
  /** What came and was not asked for yet. */
  rest: Uint8Array;
  readonly end: () => void;
}

/** The bodies that calls read in pieces; they end with their call at the latest. */
export class Bodies {
  readonly #calls = new Map<string, { last: number; readonly open: Map<number, Stream> }>();

  /** Whether a call may open another one. @throws NETWORK_BUDGET_EXHAUSTED */
  checkRoom(asker: Asker): void {
    const open = this.#calls.get(asker.callId)?.open.size ?? 0;
    if (open < fixed.streamsMax) return;
    const facts = { plugin: asker.plugin, what: "open bodies", period: "call" };
    throw new HostError("NETWORK_BUDGET_EXHAUSTED", facts);
  }

  /** Keeps a body open and returns its number. @throws NETWORK_BUDGET_EXHAUSTED */
  open(asker: Asker, target: Target, { body, room, end: endAnswer }: Answer): number {
    const end = (): void => {
      endAnswer();
      room[Symbol.dispose]();
    };
    try {
      this.checkRoom(asker);
    } catch (error) {
      end();
      throw error;
    }
    const call = this.#callOf(asker);
    call.last += 1;
    const pieces = body[Symbol.asyncIterator]();
    call.open.set(call.last, { target, pieces, rest: new Uint8Array(), end });
    if (asker.signal.aborted) this.#over(asker.callId);
    return call.last;
  }

  /** Returns what a body is of. @throws HOST_REQUEST_INVALID */
  targetOf(asker: Asker, id: number): Target {
    return this.#of(asker, id).target;
  }

  /** Returns the next bytes of a body, as soon as there are any; none at its end, which closes it. */
  async read(asker: Asker, id: number, bytesMax: number): Promise<Uint8Array> {
    const stream = this.#of(asker, id);
    if (stream.rest.length === 0) stream.rest = await this.#next(asker, id, stream);
    const piece = stream.rest.subarray(0, bytesMax);
    stream.rest = stream.rest.subarray(piece.length);
    return piece;
  }

  /** Ends a body before its end. @throws HOST_REQUEST_INVALID */
  close(asker: Asker, id: number): void {
    this.#of(asker, id).end();
    this.#calls.get(asker.callId)?.open.delete(id);
  }

  async #next(asker: Asker, id: number, stream: Stream): Promise<Uint8Array> {
    try {
      const each = await stream.pieces.next();
      if (each.done !== true) return each.value;
    } catch (error) {
      this.#forget(asker, id);
      throw error;
    }
    this.#forget(asker, id);
    return new Uint8Array();
  }

  #forget({ callId }: Asker, id: number): void {
    const open = this.#calls.get(callId)?.open;
    open?.get(id)?.end();
    open?.delete(id);
  }

  #callOf({ callId, signal }: Asker) {
    const known = this.#calls.get(callId);
    if (known) return known;
    const call = { last: 0, open: new Map<number, Stream>() };
    this.#calls.set(callId, call);
    signal.addEventListener("abort", () => this.#over(callId));
    return call;
  }

  #over(callId: string): void {
    for (const { end } of this.#calls.get(callId)?.open.values() ?? []) end();
    this.#calls.delete(callId);
  }

  /** @throws HOST_REQUEST_INVALID */
  #of({ callId }: Asker, id: number): Stream {
    const found = this.#calls.get(callId)?.open.get(id);
    if (found) return found;
    const problem = "must be that of an open body";
    throw new HostError("HOST_REQUEST_INVALID", { path: "id", problem });
  }
}
