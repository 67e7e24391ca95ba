import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import type { Access } from "./access.ts";
import { failures } from "./shapes.ts";

const description =
  "Calls plugins and manages them. Every route but `/health/live` needs a key in the header " +
  "`authorization: Bearer KEY`, with the scope that the route names. Failures are " +
  "`application/problem+json`.";

/** Makes a server collect its routes into an OpenAPI description; before any route is added. */
export function collectOpenApi(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Convergio", version, description },
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
      security: [{ key: [] }],
      tags: [
        { name: "calls", description: "Call plugins; see and end calls" },
        { name: "plugins", description: "Install, see and change plugins" },
        { name: "requests", description: "See and answer installs that wait for consent" },
        { name: "keys", description: "Who may do what" },
        { name: "health", description: "How the host is" },
      ],
    },
    hideUntagged: true,
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, description: describe(schema?.description, route.config?.access) },
      url,
    }),
  });
}

/** Adds the route that serves the description. */
export function addOpenApi(app: FastifyInstance): void {
  app.get("/openapi.json", {
    schema: {
      summary: "This description",
      tags: ["health"],
      response: { 200: Type.Record(Type.String(), Type.Unknown()), ...failures },
    },
    config: { access: { scope: "read", bodies: [] } },
    handler: async () => app.swagger(),
  });
}

/** What a route needs stands in its description, from the same place that checks it. */
function describe(description: string | undefined, access: Access | undefined): string {
  return [description ?? [], needOf(access)].flat().join(" ");
}

function needOf(access: Access | undefined): string {
  if (access === undefined) return "Needs no key.";
  if (access.scope === "own") return "Needs a key of any scope.";
  return `Needs the scope \`${access.scope}\`.`;
}
