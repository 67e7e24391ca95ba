import Type, { type Static } from "typebox";
import { HostError } from "#manifests/errors.ts";
import type { Asker, Message } from "../capability.ts";
import type { Secrets } from "../injection.ts";
import { checkedHeaders } from "./headers.ts";
import { fixed } from "./limits.ts";
import type { Wish } from "./redirects.ts";
import { parseTarget, type Target } from "./target.ts";

const closed = { additionalProperties: false };
const headersSchema = Type.Record(Type.String({ maxLength: 256 }), Type.String());
const urlSchema = Type.String({ maxLength: 8_192 });

/** The request of `http_request`, as the kits of Extism write it: what they leave out may be null. */
export const plainRequest = Type.Object({
  url: urlSchema,
  method: Type.Optional(Type.Union([Type.String({ maxLength: 16 }), Type.Null()])),
  headers: Type.Optional(Type.Union([headersSchema, Type.Null()])),
});

/** A request with all that one may say of it. */
export const oneRequest = Type.Object(
  {
    url: urlSchema,
    method: Type.Optional(
      Type.String({ maxLength: 16, description: "GET unless another is named" }),
    ),
    headers: Type.Optional(headersSchema),
    body: Type.Optional(Type.String({ description: "Text, sent as UTF-8" })),
    block: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 15, description: "Which of `blocks` is the body" }),
    ),
    redirect: Type.Optional(
      Type.Enum(["follow", "manual"], { description: "Whether redirects are followed; they are" }),
    ),
  },
  closed,
);

/** Several requests that are sent side by side. */
export const manyRequests = Type.Object(
  {
    requests: Type.Array(oneRequest, { minItems: 1, maxItems: fixed.fetchesMax }),
    maxBytes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: "Largest body of an answer" }),
    ),
  },
  closed,
);

/** Which open body, and how much of it. */
export const pieceRequest = Type.Object(
  {
    id: Type.Integer({ minimum: 1 }),
    maxBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: fixed.pieceBytesMax })),
  },
  closed,
);

/** Which open body. */
export const bodyRequest = Type.Object({ id: Type.Integer({ minimum: 1 }) }, closed);

const head = {
  status: Type.Integer(),
  headers: Type.Record(Type.String(), Type.String()),
  url: Type.String({ description: "Where the answer came from, after redirects" }),
};

/** What `http_request` answers; the body is the first block. */
export const plainAnswer = Type.Object({ status: Type.Integer(), headers: head.headers });

/** What `network_fetch` answers. */
export const manyAnswers = Type.Object({
  responses: Type.Array(
    Type.Union([
      Type.Object({ ...head, body: Type.String({ description: "When it is text, and short" }) }),
      Type.Object({ ...head, block: Type.Integer({ description: "Which of `blocks` it is" }) }),
      Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) }),
    ]),
    { description: "In the order of the requests" },
  ),
});

/** What `network_open` answers. */
export const openAnswer = Type.Object({ ...head, id: Type.Integer() });

/** What `network_read` answers; the bytes are the first block. */
export const pieceAnswer = Type.Object({ done: Type.Boolean() });

/** A request of a guest, in any of its forms. */
export type AnyRequest = Static<typeof oneRequest> | Static<typeof plainRequest>;

/** Returns what a request names. @throws HOST_REQUEST_INVALID */
export function targetOf({ url, method }: AnyRequest): Target {
  return parseTarget(method ?? "GET", url);
}

/**
 * Returns a request ready to be sent.
 *
 * @throws HOST_REQUEST_INVALID
 */
export function wishOf(
  request: AnyRequest,
  body: Uint8Array | undefined,
  { asker, secrets }: { readonly asker: Asker; readonly secrets: Secrets },
): Wish {
  const target = targetOf(request);
  const headers = checkedHeaders(request.headers ?? {}, secrets.headersOf(asker));
  const bytes = body === undefined || body.length === 0 ? null : body;
  // Servers differ in whether they read it, and what one leaves is the next request to another.
  if (bytes !== null && (target.method === "GET" || target.method === "HEAD"))
    throw invalid("body", `must not be given with ${target.method}`);
  return { target, headers, body: bytes };
}

/** Returns the body of a request: a text, or one of the blocks beside it. @throws HOST_REQUEST_INVALID */
export function bodyOf(
  { body, block }: Static<typeof oneRequest>,
  { blocks }: Message,
): Uint8Array | undefined {
  if (body !== undefined && block !== undefined)
    throw invalid("block", "must not stand beside body");
  if (body !== undefined) return Buffer.from(body);
  if (block !== undefined && block >= blocks.length)
    throw invalid("block", `must be one of ${blocks.length} blocks`);
  return block === undefined ? undefined : blocks[block];
}

function invalid(path: string, problem: string): HostError {
  return new HostError("HOST_REQUEST_INVALID", { path, problem });
}
