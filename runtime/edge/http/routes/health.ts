import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import type { Host } from "../../../host.ts";
import { failures } from "../shapes.ts";

const Health = Type.Object({
  status: Type.Enum(["ok", "degraded", "down"]),
  version: Type.String(),
  uptimeSeconds: Type.Number(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() }),
  ),
  plugins: Type.Array(
    Type.Object({ id: Type.String(), state: Type.String(), detail: Type.String() }),
  ),
  walls: Type.Array(Type.String(), { description: "Walls around runners that stand" }),
});
const Ready = Type.Object({ ready: Type.Boolean() });
const Live = Type.Object({ live: Type.Boolean() });

const tags = ["health"];
const access = { scope: "read", bodies: [] } as const;

/** Adds the only route without a key: that the process answers, and nothing more. */
export function addLive(app: FastifyInstance): void {
  app.get("/health/live", {
    schema: { summary: "Whether the process answers", tags, security: [], response: { 200: Live } },
    handler: async () => ({ live: true }),
  });
}

/** Adds the routes that say how the host is. */
export function addHealth(app: FastifyInstance, host: Host): void {
  app.get("/health/ready", {
    schema: {
      summary: "Whether the host takes calls",
      tags,
      response: { 200: Ready, 503: Ready, ...failures },
    },
    config: { access },
    handler: async (_, reply) => {
      const ready = host.accepting && (await host.health()).status !== "down";
      return reply.code(ready ? 200 : 503).send({ ready });
    },
  });
  app.get("/health", {
    schema: {
      summary: "How the host and its plugins are",
      tags,
      response: { 200: Health, 503: Health, ...failures },
    },
    config: { access },
    handler: async (_, reply) => {
      const health = await host.health();
      return reply.code(health.status === "down" ? 503 : 200).send(health);
    },
  });
  app.get("/metrics", {
    schema: {
      summary: "Counters and gauges in the Prometheus text format",
      tags,
      response: { 200: { content: { "text/plain": { schema: Type.String() } } }, ...failures },
    },
    config: { access },
    handler: async (_, reply) => {
      const { text, contentType } = await host.metrics();
      return reply.serializer(String).type(contentType).send(text);
    },
  });
}
