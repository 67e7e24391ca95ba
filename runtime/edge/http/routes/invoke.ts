import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import type { Logger } from "pino";
import type { CallAnswer, CallEvent, CallRequest } from "../../../call.ts";
import type { Host } from "../../../host.ts";
import { untrustedJson } from "../../../untrusted.ts";
import { bytesType, readInvokeBodies } from "../bodies.ts";
import { type PluginParams, pluginOf, pluginPaths } from "../plugin-path.ts";
import { problemOf, toHostError } from "../problems.ts";
import { failures, Usage } from "../shapes.ts";
import { createEventStream, type EventStream, wantsEvents } from "../sse.ts";

const InvokeQuery = Type.Object(
  {
    tool: Type.Optional(
      Type.String({ description: "The tool, when the body is raw bytes", examples: ["resize"] }),
    ),
  },
  { additionalProperties: false },
);

const InvokeBody = Type.Object(
  {
    tool: Type.Optional(
      Type.String({
        description: "Name of the tool; may be left out when the plugin has one only",
        examples: ["forecast"],
      }),
    ),
    input: Type.Unknown({
      description: "What the tool gets: any JSON",
      examples: [{ city: "Bern" }],
    }),
  },
  { additionalProperties: false },
);

const Answer = Type.Object({
  output: Type.Unknown({ description: "What the tool answered; bytes as base64" }),
  callId: Type.String(),
  usage: Usage,
});

const schema = {
  summary: "Call a tool of a plugin",
  description:
    "With `accept: text/event-stream` the answer is the events `log` and `progress`, then `output` " +
    "or `error`. With a body of raw bytes the answer is raw bytes, and the headers " +
    "`convergio-call-id` and `convergio-usage` say the rest. Closing the connection ends the call.",
  tags: ["calls"],
  querystring: InvokeQuery,
  body: {
    content: { "application/json": { schema: InvokeBody }, [bytesType]: { schema: {} } },
  },
  response: { 200: Answer, ...failures },
};

interface InvokeRoute {
  Params: PluginParams;
  Querystring: Static<typeof InvokeQuery>;
  Body: Static<typeof InvokeBody> | Buffer;
}
type Invoke = FastifyRequest<InvokeRoute>;

/** Adds the route that calls plugins. */
export function addInvoke(
  app: FastifyInstance,
  { host, logger, bodyLimit }: { host: Host; logger: Logger; bodyLimit: number },
): void {
  readInvokeBodies(app);
  const access = { scope: "invoke", bodies: ["application/json", bytesType] } as const;
  for (const { url, params, hide } of pluginPaths("invoke"))
    app.post<InvokeRoute>(url, {
      schema: { ...schema, params, hide },
      config: { access },
      bodyLimit,
      handler: (request, reply): Promise<FastifyReply> =>
        wantsEvents(request.headers.accept)
          ? stream({ host, logger, request, reply })
          : answer(host, request, reply),
    });
}

async function answer(host: Host, request: Invoke, reply: FastifyReply): Promise<FastifyReply> {
  const answered = await host.call(callOf(request, reply));
  const { output, callId, usage } = answered;
  if (!Buffer.isBuffer(request.body))
    return reply.header("content-type", "application/json; charset=utf-8").send(jsonOf(answered));
  return reply
    .headers({
      "content-type": bytesType,
      "content-disposition": "attachment",
      "convergio-call-id": callId,
      "convergio-usage": JSON.stringify(usage),
    })
    .send(Buffer.from(output.bytes.buffer, output.bytes.byteOffset, output.bytes.byteLength));
}

interface StreamParts {
  readonly host: Host;
  readonly logger: Logger;
  readonly request: Invoke;
  readonly reply: FastifyReply;
}

async function stream({ host, logger, request, reply }: StreamParts): Promise<FastifyReply> {
  using events = createEventStream(reply);
  try {
    const onEvent = (event: CallEvent): void => sendEvent(events, event);
    const answered = await host.call({ ...callOf(request, reply), onEvent });
    events.finish("output", String(jsonOf(answered)));
  } catch (thrown) {
    // Before the first byte the failure is an ordinary answer with a status of its own.
    if (!events.isOpen) throw thrown;
    const error = toHostError(thrown);
    if (error.code === "INTERNAL")
      logger.error(
        { requestId: request.id, traceId: request.traceId, err: thrown },
        "a call met a fault",
      );
    events.finish("error", JSON.stringify(problemOf(error, request.id)));
  }
  return reply;
}

function sendEvent(events: EventStream, event: CallEvent): void {
  const { kind, ...rest } = event;
  events.send(kind, untrustedJson(rest));
}

function callOf(request: Invoke, reply: FastifyReply): CallRequest {
  const { body, caller, id: requestId } = request;
  const isRaw = Buffer.isBuffer(body);
  return {
    caller,
    plugin: pluginOf(request.params),
    tool: isRaw ? request.query.tool : (body.tool ?? request.query.tool),
    input: isRaw ? { bytes: body } : { json: request.inputText ?? "null" },
    signal: closingSignal(reply),
    requestId,
  };
}

/** Fires when the client goes away before it has the answer. */
function closingSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/**
 * Up to here an answer is sent as text, which goes out in one write together with its headers; two
 * writes cost more than decoding. A larger one stays bytes and is never copied into a string.
 */
const textBytesMax = 32_768;

/** The output goes into the answer as it is: it was checked where the guest ran. */
function jsonOf({ output, callId, usage }: CallAnswer): string | Buffer {
  const { encoding, bytes } = output;
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = `,"callId":${JSON.stringify(callId)},"usage":${JSON.stringify(usage)}}`;
  if (encoding === "bytes") return `{"output":"${raw.toString("base64")}"${tail}`;
  if (raw.length <= textBytesMax) return `{"output":${raw.toString("utf8")}${tail}`;
  return Buffer.concat([Buffer.from('{"output":'), raw, Buffer.from(tail)]);
}
