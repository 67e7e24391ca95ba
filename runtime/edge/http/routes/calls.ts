import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import type { Host } from "../../../host.ts";
import { failures, nothing } from "../shapes.ts";

const LiveCall = Type.Object({
  callId: Type.String(),
  plugin: Type.String(),
  version: Type.String(),
  tool: Type.String(),
  owner: Type.String({ description: "Who the key was made for" }),
  keyId: Type.String(),
  state: Type.Enum(["queued", "running"]),
  startedAt: Type.String(),
  ageMs: Type.Number(),
});
const CallParams = Type.Object({ callId: Type.String({ maxLength: 128 }) });
const AuditQuery = Type.Object(
  {
    plugin: Type.Optional(Type.String({ maxLength: 128, description: "Only of this plugin" })),
    kind: Type.Optional(Type.String({ maxLength: 64, description: "Only of this kind" })),
    since: Type.Optional(
      Type.String({
        pattern: "^\\d{4}-\\d{2}-\\d{2}(?:T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?Z)?$",
        errorMessage: "be a moment in UTC such as 2026-01-31T08:00:00Z",
        description: "Only from this moment on",
        examples: ["2026-01-31T08:00:00Z"],
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, description: "100 by default" }),
    ),
  },
  { additionalProperties: false },
);
const tags = ["calls"];

/** Adds the routes that show calls, end them, and show what was done. */
export function addCalls(app: FastifyInstance, host: Host): void {
  app.get("/calls", {
    schema: {
      summary: "Calls that run or wait now: those of the key, or all with the scope logs",
      tags,
      response: { 200: Type.Object({ calls: Type.Array(LiveCall) }), ...failures },
    },
    config: { access: { scope: "own", bodies: [] } },
    handler: async ({ caller }) => ({ calls: host.calls.list(caller) }),
  });
  app.delete<{ Params: Static<typeof CallParams> }>("/calls/:callId", {
    schema: {
      summary: "End a call",
      tags,
      params: CallParams,
      response: { 204: nothing, ...failures },
    },
    config: { access: { scope: "own", bodies: [] } },
    handler: async ({ params, caller }, reply) => {
      await host.calls.cancel(params.callId, caller);
      return reply.code(204).send();
    },
  });
  addAudit(app, host);
}

function addAudit(app: FastifyInstance, host: Host): void {
  const Records = Type.Array(Type.Record(Type.String(), Type.Unknown()));
  app.get<{ Querystring: Static<typeof AuditQuery> }>("/audit", {
    schema: {
      summary: "What was done and by whom, newest last",
      tags,
      querystring: AuditQuery,
      response: { 200: Type.Object({ records: Records }), ...failures },
    },
    config: { access: { scope: "logs", bodies: [] } },
    handler: async ({ query: { limit = 100, ...rest } }) => ({
      records: await host.auditQuery({ ...rest, limit }),
    }),
  });
}
