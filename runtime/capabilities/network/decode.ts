import { pipeline, Readable, type Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import { HostError } from "#manifests/errors.ts";
import type { Room } from "./held.ts";
import { fixed } from "./limits.ts";

/** Bytes in pieces. */
export type Pieces = AsyncIterable<Uint8Array>;

const KiB = 1024;
const MiB = 1024 * KiB;
/** Memory that undoing a coding may take, which whoever made the body decides: its window, and some. */
const decoderBytes: Readonly<Record<string, number>> = {
  gzip: 128 * KiB,
  "x-gzip": 128 * KiB,
  deflate: 128 * KiB,
  br: 17 * MiB,
  zstd: 9 * MiB,
};

/** What a coding is undone by; the first bytes tell of `deflate` which of its two forms it is. */
const decoders: Readonly<Record<string, (first: Uint8Array) => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  // Servers send either form under the name. @see https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2
  deflate: (first) => (((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  // A window of 8 MiB is the most that the web allows. @see https://www.rfc-editor.org/rfc/rfc9659
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
};

/**
 * Returns the codings of a body, as `content-encoding` lists them.
 *
 * @param header  untrusted
 * @throws NETWORK_ANSWER_REFUSED
 */
export function codingsOf(host: string, header: string): readonly string[] {
  const codings = header
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length > fixed.codingsMax)
    throw refused(host, `its body has more than ${fixed.codingsMax} codings`);
  // What cannot be read cannot be looked through either.
  if (codings.some((coding) => !Object.hasOwn(decoders, coding)))
    throw refused(host, "its body has a coding that the host does not know");
  return codings;
}

/**
 * Returns the bytes of a body without its codings.
 *
 * Each step is bounded in what it makes of what came, while it makes it, so that neither memory nor
 * time goes to a body that is small only on its way.
 *
 * @throws NETWORK_ANSWER_REFUSED, NETWORK_FAILED while it is read
 */
export function decoded(
  at: { readonly host: string; readonly room: Room },
  body: Pieces,
  codings: readonly string[],
): Pieces {
  return codings.toReversed().reduce((pieces, coding) => undo(at, pieces, coding), body);
}

/** @throws NETWORK_ANSWER_REFUSED, NETWORK_FAILED */
async function* undo(
  { host, room }: Parameters<typeof decoded>[0],
  body: Pieces,
  coding: string,
): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  // An answer to HEAD, or one without a body, names the coding that a body would have.
  if (first.done === true) return;
  const bytes = decoderBytes[coding] ?? 0;
  room.take(host, bytes);
  const counted = { in: 0, out: 0 };
  const source = Readable.from(rejoined(first.value, pieces, counted), { objectMode: true });
  const decoder = decoders[coding]?.(first.value) as Transform;
  const failed: { reason?: unknown } = {};
  pipeline(source, decoder, (error) => {
    failed.reason = error;
  });
  try {
    for await (const piece of decoder as AsyncIterable<Uint8Array>) {
      counted.out += piece.length;
      if (counted.out > fixed.ratioSlackBytes + counted.in * fixed.ratioMax)
        throw refused(host, `its body unpacks to more than ${fixed.ratioMax} times its size`);
      yield piece;
    }
  } catch (error) {
    throw isOfCoding(error) ? refused(host, `its body is no ${coding}`, error) : error;
  } finally {
    room.give(bytes);
  }
}

async function* rejoined(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  counted: { in: number },
): AsyncGenerator<Uint8Array> {
  try {
    for (let each: IteratorResult<Uint8Array> = { value: first }; each.done !== true; ) {
      counted.in += each.value.length;
      yield each.value;
      each = await rest.next();
    }
  } finally {
    await rest.return?.();
  }
}

function isOfCoding(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return /^(?:Z_|ERR__ERROR_|ZSTD_)/.test(code);
}

function refused(host: string, reason: string, cause?: unknown): HostError {
  return new HostError("NETWORK_ANSWER_REFUSED", { host, reason }, { cause });
}
