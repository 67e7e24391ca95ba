import type { FastifyInstance, FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import type { PluginId } from "#manifests/names.ts";
import type { Host } from "../../../host.ts";
import { untrustedJson } from "../../../untrusted.ts";
import { createEventStream, type EventStream, wantsEvents } from "../sse.ts";
import { addPluginRoute } from "./plugins.ts";

const LogsQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: "The newest so many; 100 by default",
      }),
    ),
    follow: Type.Optional(
      Type.Boolean({ description: "Go on with new lines, as `accept: text/event-stream` does" }),
    ),
  },
  { additionalProperties: false },
);
const Lines = Type.Object({
  lines: Type.Array(
    Type.Object({
      at: Type.String(),
      callId: Type.Union([Type.String(), Type.Null()]),
      level: Type.String(),
      text: Type.String({ description: "Written by the plugin; do not trust it" }),
    }),
  ),
});

/** Adds the route that shows what a plugin logged, and what it goes on to log. */
export function addLogs(app: FastifyInstance, { plugins }: Host): void {
  const open = new Set<EventStream>();
  // Whoever follows would follow for ever, and a host that stops would wait for them.
  app.addHook("preClose", (done) => {
    for (const events of open) events.end();
    done();
  });
  addPluginRoute(app, {
    method: "GET",
    action: "logs",
    scope: "logs",
    summary: "What a plugin logged, oldest first; or the events `log` as it goes on",
    querystring: LogsQuery,
    answer: Lines,
    handle: async (id, request, reply) => {
      const { limit = 100, follow = false } = request.query as Static<typeof LogsQuery>;
      if (follow || wantsEvents(request.headers.accept))
        return stream(plugins, reply, { id, limit, open });
      return { lines: await plugins.logs(id, limit) };
    },
  });
}

interface Wanted {
  readonly id: PluginId;
  readonly limit: number;
  /** Streams that are under way. */
  readonly open: Set<EventStream>;
}

async function stream(
  plugins: Host["plugins"],
  reply: FastifyReply,
  { id, limit, open }: Wanted,
): Promise<FastifyReply> {
  const lines = await plugins.logs(id, limit);
  using undo = new DisposableStack();
  const events = undo.use(createEventStream(reply));
  open.add(events);
  undo.defer(() => open.delete(events));
  events.open();
  for (const line of lines) events.send("log", untrustedJson(line));
  undo.use(plugins.follow(id, (line) => events.send("log", untrustedJson(line))));
  await events.closed;
  return reply;
}
