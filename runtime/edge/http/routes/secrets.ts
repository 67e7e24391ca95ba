import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { Host } from "../../../host.ts";
import { json } from "../access.ts";
import { failures, nothing } from "../shapes.ts";

const Params = Type.Object({ name: Type.String({ maxLength: 128 }) });
type Params = Static<typeof Params>;
const Wish = Type.Object(
  {
    // Not a text by its schema: what does not fit would be told with what was found.
    value: Type.Unknown({
      description: "Text of at most 64 KiB; no answer ever has it",
      writeOnly: true,
    }),
    audience: Type.Optional(
      Type.Array(Type.String({ maxLength: 300 }), {
        maxItems: 32,
        description: "Origins that it may go to; without any it can only be revealed",
        examples: [["https://api.github.com"]],
      }),
    ),
    wildcard: Type.Optional(Type.Boolean({ description: "Take https://*.domain" })),
    force: Type.Optional(Type.Boolean({ description: "Take a value that is like ordinary text" })),
  },
  { additionalProperties: false },
);
const Secret = Type.Object({
  name: Type.String(),
  audience: Type.Array(Type.String()),
  version: Type.Integer(),
  isWeak: Type.Boolean({ description: "Like ordinary text, so that nobody looks for it" }),
  setAt: Type.String(),
  uses: Type.Integer(),
  lastUsedAt: Type.Union([Type.String(), Type.Null()]),
});
const Vault = Type.Object({
  state: Type.Enum(["open", "empty", "locked"]),
  detail: Type.String({ description: "Where its key is kept, or why it is locked" }),
  secrets: Type.Integer(),
  damaged: Type.Array(Type.String({ description: "Name of one that does not open" })),
});

const tags = ["secrets"];
const access = { scope: "secrets", bodies: [] } as const;
const withBody = { scope: "secrets", bodies: json } as const;

/** Adds the routes that set, show and remove secrets; none of them gives a value. @throws SECRET_NOT_FOUND */
export function addSecrets(app: FastifyInstance, { secrets }: Host): void {
  app.get("/secrets", {
    schema: {
      summary: "The secrets, without their values",
      tags,
      response: { 200: Type.Object({ secrets: Type.Array(Secret) }), ...failures },
    },
    config: { access },
    handler: async () => ({ secrets: secrets.list() }),
  });
  app.get<{ Params: Params }>("/secrets/:name", {
    schema: {
      summary: "One secret, without its value",
      tags,
      params: Params,
      response: { 200: Secret, ...failures },
    },
    config: { access },
    handler: async ({ params: { name } }) => {
      const found = secrets.list().find((secret) => secret.name === name);
      if (found !== undefined) return found;
      throw new HostError("SECRET_NOT_FOUND", { secret: quote(name) });
    },
  });
  app.put<{ Params: Params; Body: Static<typeof Wish> }>("/secrets/:name", {
    schema: {
      summary: "Set a secret, and where it may go",
      tags,
      params: Params,
      body: Wish,
      response: { 200: Secret, ...failures },
    },
    config: { access: withBody },
    handler: async ({ params, body, caller }) => {
      const { value, audience = [], wildcard = false, force = false } = body;
      return secrets.set(params.name, { value, audience, wildcard, force }, caller);
    },
  });
  app.delete<{ Params: Params }>("/secrets/:name", {
    schema: {
      summary: "Forget a secret",
      tags,
      params: Params,
      response: { 204: nothing, ...failures },
    },
    config: { access },
    handler: async ({ params, caller }, reply) => {
      await secrets.remove(params.name, caller);
      return reply.code(204).send();
    },
  });
  addVault(app, secrets);
}

function addVault(app: FastifyInstance, secrets: Host["secrets"]): void {
  app.post("/vault/rotate", {
    schema: {
      summary: "Seal all secrets anew with new keys",
      tags,
      response: { 200: Vault, ...failures },
    },
    config: { access },
    handler: async ({ caller }) => secrets.rotate(caller),
  });
  app.post("/vault/check", {
    schema: {
      summary: "Open every secret once, and look for the key of the vault again",
      tags,
      response: { 200: Vault, ...failures },
    },
    config: { access },
    handler: async () => secrets.check(),
  });
}
