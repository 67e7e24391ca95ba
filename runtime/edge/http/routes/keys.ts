import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import type { Host } from "../../../host.ts";
import { json } from "../access.ts";
import { failures, KeyShape } from "../shapes.ts";

const NewKey = Type.Object(
  {
    owner: Type.String({
      minLength: 1,
      maxLength: 128,
      description: "Person or program that will hold it",
      examples: ["ada"],
    }),
    name: Type.String({ minLength: 1, maxLength: 128, examples: ["laptop"] }),
    scopes: Type.Array(Type.String({ maxLength: 256 }), {
      minItems: 1,
      maxItems: 32,
      description: "invoke[:plugin[:tool]], read, logs, install, grants, secrets, keys, dev, admin",
      examples: [["invoke:acme/weather"]],
    }),
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_650, description: "Until it expires; 90 by default" }),
    ),
    ratePerMinute: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1e9, description: "Requests a minute; 0 for no limit" }),
    ),
  },
  { additionalProperties: false },
);
const Rotation = Type.Object(
  {
    overlapMinutes: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_080,
        description: "Minutes that the old secret still works; 60 by default",
      }),
    ),
  },
  { additionalProperties: false },
);
const Made = Type.Object({
  key: KeyShape,
  secret: Type.String({ description: "Told once and kept nowhere" }),
});
const KeyParams = Type.Object({ id: Type.String({ maxLength: 128 }) });
type KeyParams = Static<typeof KeyParams>;

const tags = ["keys"];
const access = { scope: "keys", bodies: [] } as const;
const withBody = { scope: "keys", bodies: json } as const;

/** Adds the routes that make, show and withdraw keys. */
export function addKeys(app: FastifyInstance, { keys }: Host): void {
  app.get("/keys", {
    schema: {
      summary: "The keys, without their secrets",
      tags,
      response: { 200: Type.Object({ keys: Type.Array(KeyShape) }), ...failures },
    },
    config: { access },
    handler: async () => ({ keys: keys.list() }),
  });
  app.post<{ Body: Static<typeof NewKey> }>("/keys", {
    schema: {
      summary: "Make a key that holds at most what the key of the request holds",
      tags,
      body: NewKey,
      response: { 201: Made, ...failures },
    },
    config: { access: withBody },
    handler: async ({ body, caller }, reply) =>
      reply.code(201).send(await keys.create(caller, body)),
  });
  app.post<{ Params: KeyParams; Body: Static<typeof Rotation> | undefined }>("/keys/:id/rotate", {
    schema: {
      summary: "Give a key a new secret",
      tags,
      params: KeyParams,
      body: Rotation,
      response: { 200: Made, ...failures },
    },
    config: { access: withBody },
    handler: async ({ params, body, caller }) =>
      keys.rotate(caller, params.id, body?.overlapMinutes ?? 60),
  });
  app.delete<{ Params: KeyParams }>("/keys/:id", {
    schema: {
      summary: "Make a key useless at once",
      tags,
      params: KeyParams,
      response: { 200: KeyShape, ...failures },
    },
    config: { access },
    handler: async ({ params, caller }) => keys.revoke(caller, params.id),
  });
}
