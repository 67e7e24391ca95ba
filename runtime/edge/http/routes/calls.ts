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
const tags = ["calls"];

/** Adds the routes that show calls and end them. */
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
}
