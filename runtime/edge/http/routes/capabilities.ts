import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { grantsSchema } from "#manifests/grants.ts";
import { usesSchema } from "#manifests/uses.ts";
import type { Host } from "../../../host.ts";
import { failures } from "../shapes.ts";

const Functions = Type.Array(
  Type.Object({
    import: Type.String({ description: "Import module and name, with a dot between" }),
    capability: Type.String(),
    act: Type.String({ description: "The word of the audit" }),
    about: Type.String(),
    reads: Type.Boolean({ description: "Whether asking twice is as good as asking once" }),
    request: Type.Unknown({ description: "JSON Schema" }),
    response: Type.Unknown({ description: "JSON Schema of what stands behind `ok`" }),
  }),
);

/** Adds the route that says what plugins can ask for, in a form that kits of languages are made from. */
export function addCapabilities(app: FastifyInstance, { capabilities }: Host): void {
  app.get("/capabilities", {
    schema: {
      summary: "What plugins can ask for: host functions, and the forms of asks and grants",
      tags: ["plugins"],
      response: {
        200: Type.Object({ functions: Functions, uses: Type.Unknown(), grants: Type.Unknown() }),
        ...failures,
      },
    },
    config: { access: { scope: "read", bodies: [] } },
    handler: async () => ({ functions: capabilities, uses: usesSchema, grants: grantsSchema }),
  });
}
