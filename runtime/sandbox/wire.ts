import assert from "node:assert/strict";

/**
 * The frames between host and runner: `u32 length | u8 type | fields | payload`, little-endian.
 *
 * Nothing in a frame says who speaks: a call number means something only to the host's table of the
 * calls that are live on this very pipe.
 */
export const frame = {
  load: 1,
  unload: 2,
  invoke: 3,
  answer: 4,
  cancel: 5,
  discard: 6,
  prepare: 7,
  ready: 16,
  loaded: 17,
  refused: 18,
  result: 19,
  ask: 20,
  log: 21,
  prepared: 22,
  busy: 23,
  rest: 24,
} as const;

/** The longest frame in bytes: a module of 64 MiB after metering, or an output at its ceiling. */
export const frameBytesMax = 160 * 1024 * 1024;

const headerBytes = 5;
const slabBytes = 64 * 1024;
/**
 * Frames that go in one write: the other side works on them while the next are made. With fewer the
 * writes cost more than is won, with more the two processes wait for each other in turns.
 */
const framesMax = 8;

/** Where the fields of a frame are written: its buffer, and the offset behind the header. */
export interface Frame {
  readonly buffer: Buffer;
  readonly at: number;
}

/** Writes frames and hands them on in small groups, at the latest when the turn of the event loop ends. */
export class FrameWriter {
  readonly #sink: (chunk: Buffer) => void;
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #start = 0;
  #end = 0;
  #frames = 0;
  #scheduled = false;
  readonly #flush = (): void => this.flush();

  constructor(sink: (chunk: Buffer) => void) {
    this.#sink = sink;
  }

  /** Opens a frame with room for `bodyBytes`; the caller fills it before it opens another. */
  open(type: number, bodyBytes: number): Frame {
    const bytes = headerBytes + bodyBytes;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
    if (this.#frames === framesMax) this.#send();
    if (this.#end + bytes > this.#slab.length) this.#renew(bytes);
    this.#frames += 1;
    const at = this.#end;
    this.#end += bytes;
    this.#slab.writeUInt32LE(bodyBytes + 1, at);
    this.#slab[at + 4] = type;
    return { buffer: this.#slab, at: at + headerBytes };
  }

  /** Hands on what has been written so far. */
  flush(): void {
    this.#scheduled = false;
    this.#send();
  }

  #renew(bytes: number): void {
    this.#send();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(bytes, slabBytes));
    this.#start = 0;
    this.#end = 0;
  }

  #send(): void {
    this.#frames = 0;
    if (this.#end === this.#start) return;
    this.#sink(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

/** What a broken stream of frames is refused with. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/**
 * Returns a function that takes chunks as they arrive and hands on whole frames.
 *
 * @param bytesMax longest frame that is accepted
 * @param onFrame  gets the type and the body; the body is only good until it returns, unless copied
 * @throws FrameError when a length is zero or above `bytesMax`
 */
export function createFrameReader(
  bytesMax: number,
  onFrame: (type: number, body: Buffer) => void,
): (chunk: Buffer) => void {
  assert(bytesMax <= frameBytesMax);
  const header = Buffer.alloc(headerBytes);
  let have = 0;
  let body: Buffer | undefined;

  const lengthOf = (bytes: Buffer, at: number): number => {
    const length = bytes.readUInt32LE(at);
    if (length === 0 || length > bytesMax) throw new FrameError(`frame of ${length} bytes`);
    return length - 1;
  };

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (body === undefined && have === 0 && chunk.length - at >= headerBytes) {
        const bytes = lengthOf(chunk, at);
        const end = at + headerBytes + bytes;
        if (end <= chunk.length) {
          onFrame(chunk[at + 4] ?? 0, chunk.subarray(at + headerBytes, end));
          at = end;
          continue;
        }
      }
      if (have < headerBytes) {
        const taken = chunk.copy(header, have, at, at + headerBytes - have);
        have += taken;
        at += taken;
        if (have < headerBytes) return;
        body = Buffer.allocUnsafe(lengthOf(header, 0));
      }
      assert(body);
      const filled = have - headerBytes;
      const taken = chunk.copy(body, filled, at, at + body.length - filled);
      have += taken;
      at += taken;
      if (have < headerBytes + body.length) return;
      const whole = body;
      body = undefined;
      have = 0;
      onFrame(header[4] ?? 0, whole);
    }
  };
}
