import type { FastifyInstance, FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import { eventSchema } from "#manifests/events.ts";
import type { Host } from "../../../host.ts";
import { untrustedJson } from "../../../untrusted.ts";
import { failures } from "../shapes.ts";
import { createEventStream, type EventStream, wantsEvents } from "../sse.ts";

const EventsQuery = Type.Object(
  {
    follow: Type.Optional(
      Type.Boolean({ description: "Go on with new events, as `accept: text/event-stream` does" }),
    ),
  },
  { additionalProperties: false },
);

/** Adds the route that tells what an operator should hear of. */
export function addEvents(app: FastifyInstance, host: Host): void {
  const open = new Set<EventStream>();
  // Whoever follows would follow for ever, and a host that stops would wait for them.
  app.addHook("preClose", (done) => {
    for (const events of open) events.end();
    done();
  });
  app.get<{ Querystring: Static<typeof EventsQuery> }>("/events", {
    schema: {
      summary: "What an operator should hear of since the host started, newest last",
      tags: ["audit"],
      querystring: EventsQuery,
      response: { 200: Type.Object({ events: Type.Array(eventSchema) }), ...failures },
    },
    config: { access: { scope: "logs", bodies: [] } },
    handler: async ({ query, headers }, reply) => {
      if (query.follow || wantsEvents(headers.accept)) return follow(host, reply, open);
      return { events: host.events.recent() };
    },
  });
}

async function follow(
  { events: told }: Host,
  reply: FastifyReply,
  open: Set<EventStream>,
): Promise<FastifyReply> {
  using undo = new DisposableStack();
  const events = undo.use(createEventStream(reply));
  open.add(events);
  undo.defer(() => open.delete(events));
  events.open();
  for (const event of told.recent()) events.send("event", untrustedJson(event));
  undo.use(told.follow((event) => events.send("event", untrustedJson(event))));
  await events.closed;
  return reply;
}
