import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import type { Host } from "../../../host.ts";
import { addPluginRoute } from "./plugins.ts";

const Version = Type.Object({
  version: Type.String(),
  digest: Type.String(),
  signer: Type.String({ description: "`unsigned`, or the name of who signed it" }),
  installedAt: Type.String(),
  activatedAt: Type.Union([Type.String(), Type.Null()]),
  standing: Type.Enum(["active", "previous", "kept", "foreign"], {
    description: "`previous` is what a rollback goes back to; `foreign` is another signer's",
  }),
});
const Target = Type.Object(
  {
    to: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 71,
        description: "A version or a digest; the one that answered before when left out",
        examples: ["1.2.0"],
      }),
    ),
  },
  { additionalProperties: false },
);
const RolledBack = Type.Object({
  version: Type.String(),
  digest: Type.String(),
  from: Type.String({ description: "The version that answered before" }),
  lost: Type.Array(Type.String(), {
    description: "What it was granted once and is not granted now, by its place",
  }),
});

/** Adds the routes that show the versions of a plugin and go back to one of them. */
export function addVersions(app: FastifyInstance, { versions }: Host): void {
  addPluginRoute(app, {
    method: "GET",
    action: "versions",
    scope: "read",
    summary: "The versions of a plugin that are in the store",
    answer: Type.Object({ versions: Type.Array(Version) }),
    handle: async (id) => ({ versions: await versions.list(id) }),
  });
  addPluginRoute(app, {
    method: "POST",
    action: "rollback",
    scope: "install",
    summary: "Let a version answer again that did before, with no more than both were granted",
    body: Target,
    answer: RolledBack,
    handle: (id, { body, caller }) => {
      const { to } = (body ?? {}) as Static<typeof Target>;
      return versions.rollback(id, caller, to);
    },
  });
}
