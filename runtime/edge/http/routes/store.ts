import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import type { Host } from "../../../host.ts";
import { json } from "../access.ts";
import { failures } from "../shapes.ts";

const Wish = Type.Object(
  { dryRun: Type.Optional(Type.Boolean({ description: "Whether nothing is removed" })) },
  { additionalProperties: false },
);
const Collected = Type.Object({
  dryRun: Type.Boolean(),
  versions: Type.Array(Type.Object({ plugin: Type.String(), version: Type.String() })),
  orphans: Type.Integer({ description: "Packages and modules that nothing referred to" }),
  freedBytes: Type.Integer(),
  usedBytes: Type.Integer(),
  quotaBytes: Type.Integer(),
});

/** Adds the route that takes out of the store what nobody needs. */
export function addStore(app: FastifyInstance, { store }: Host): void {
  app.post<{ Body: Static<typeof Wish> | undefined }>("/gc", {
    schema: {
      summary: "Remove versions beyond those that are kept, and files that nothing refers to",
      tags: ["host"],
      body: Wish,
      response: { 200: Collected, ...failures },
    },
    config: { access: { scope: "admin", bodies: json } },
    handler: async ({ body, caller }) => store.collect(caller, { dryRun: body?.dryRun ?? false }),
  });
}
