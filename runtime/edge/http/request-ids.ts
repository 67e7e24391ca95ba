import type { Clock } from "../../clock.ts";

const idBytes = 16;
/** Ids made from one draw of randomness, so that a request costs a slice and not a system call. */
const idsADraw = 256;
const traceForm = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;
const noTrace = "0".repeat(32);

/**
 * Returns a function that gives a new id at each call: 32 hexadecimal digits, a W3C trace id.
 */
export function createIds({ random }: Clock): () => string {
  const pool = { bytes: Buffer.alloc(0), used: 0 };
  return () => {
    if (pool.used === pool.bytes.length) {
      pool.bytes = Buffer.from(random(idBytes * idsADraw));
      pool.used = 0;
    }
    const start = pool.used;
    pool.used += idBytes;
    return pool.bytes.toString("hex", start, pool.used);
  };
}

/**
 * Returns the trace that a request belongs to, or undefined when it names none that is well-formed.
 *
 * @param header  untrusted
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function traceIdOf(header: string | string[] | undefined): string | undefined {
  if (typeof header !== "string" || header.length > 256) return undefined;
  const traceId = traceForm.exec(header)?.[1];
  return traceId === noTrace || header.startsWith("ff") ? undefined : traceId;
}
