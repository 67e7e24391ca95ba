import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { HostError } from "#manifests/errors.ts";
import type { Host } from "../../../host.ts";
import type { InstallSource } from "../../../install.ts";
import { isLoopback } from "../allowed.ts";
import { packageTypes, wasmType } from "../bodies.ts";
import type { Settled } from "../options.ts";
import { failures, PluginShape } from "../shapes.ts";
import { addPluginRoute } from "./plugins.ts";

const InstallQuery = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: "Name of a module that comes without a manifest; it becomes local/NAME",
        examples: ["vowels"],
      }),
    ),
  },
  { additionalProperties: false },
);
const PathBody = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 4_096,
      pattern: "^/",
      errorMessage: "be an absolute path",
      description: "A folder, a .tgz or a .wasm of the host's machine; for the home's owner only",
    }),
  },
  { additionalProperties: false },
);
const Ask = Type.Object({
  id: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  signer: Type.String(),
  source: Type.String(),
  asks: Type.Array(
    Type.Object({
      capability: Type.String(),
      words: Type.String(),
      untrustedReason: Type.String({ description: "The author's own words; do not trust them" }),
      isNew: Type.Boolean({ description: "The version installed now does not ask for it" }),
    }),
  ),
  instances: Type.Enum(["fresh", "warm", "single"]),
  tools: Type.Array(Type.String()),
  dropped: Type.Array(Type.String(), { description: "What only the version of now asks for" }),
  replaces: Type.Union([Type.String(), Type.Null()]),
  looksLike: Type.Array(Type.String()),
});
const Waiting = Type.Object({
  consentId: Type.String({ description: "Good for one answer within 15 minutes" }),
  ask: Ask,
});
const Consent = Type.Object(
  { consentId: Type.String({ minLength: 1, maxLength: 128 }), accept: Type.Boolean() },
  { additionalProperties: false },
);

const schema = {
  summary: "Install a plugin: a package, a module, or a path for the home's owner",
  description:
    "Answers 201 with the plugin, or 202 with what it asks for and a consent id; " +
    "`PUT /plugins/{id}/grants` completes that.",
  tags: ["plugins"],
  querystring: InstallQuery,
  body: {
    content: {
      "application/json": { schema: PathBody },
      ...Object.fromEntries([...packageTypes, wasmType].map((type) => [type, { schema: {} }])),
    },
  },
  response: { 201: PluginShape, 202: Waiting, ...failures },
};

interface InstallRoute {
  Querystring: Static<typeof InstallQuery>;
  Body: Static<typeof PathBody> | Buffer;
}
type Install = FastifyRequest<InstallRoute>;

/**
 * Adds the routes that install a plugin and answer what it asks for.
 *
 * @throws UPLOAD_INVALID, PATH_NOT_OWNER, UPLOAD_NOT_LOCAL to their clients
 */
export function addInstall(
  app: FastifyInstance,
  { host, settled }: { host: Host; settled: Settled },
): void {
  const isLocal = isLoopback(settled.host) && settled.behindProxy.length === 0;
  app.post<InstallRoute>("/plugins", {
    schema,
    config: {
      access: { scope: "install", bodies: ["application/json", ...packageTypes, wasmType] },
    },
    bodyLimit: settled.uploadBytesMax,
    // Refused before the body is read: it may be large.
    onRequest: (request, _, done) => done(isLocal ? undefined : refusalOf(request)),
    handler: (request, reply) => install(host, request, reply),
  });
  addPluginRoute(app, {
    method: "PUT",
    action: "grants",
    scope: "grants",
    summary: "Answer what a waiting install asks for",
    body: Consent,
    answer: PluginShape,
    handle: async (id, { body, caller }, reply) => {
      const { consentId, accept } = body as Static<typeof Consent>;
      if (accept) return host.consents.answer(consentId, id, caller, true);
      await decline(() => host.consents.answer(consentId, id, caller, false));
      return reply.code(204).send();
    },
  });
}

async function install(host: Host, request: Install, reply: FastifyReply): Promise<FastifyReply> {
  const { caller } = request;
  const answer = await host.consents.begin({ caller, source: sourceOf(request) });
  if (answer.kind === "installed") return reply.code(201).send(answer.plugin);
  const { consentId, ask } = answer;
  return reply.code(202).send({ consentId, ask });
}

function sourceOf({ body, query, caller, headers }: Install): InstallSource {
  if (body instanceof Uint8Array) {
    const type = headers["content-type"]?.toLowerCase() ?? "";
    if (!type.startsWith(wasmType)) return { kind: "package", bytes: body };
    if (query.id !== undefined) return { kind: "wasm", bytes: body, name: query.id };
    throw new HostError("UPLOAD_INVALID", { reason: "a module needs a name in `?id=`" });
  }
  // A path is read with the host's own rights, so a key would choose what the host reads.
  if (caller.kind !== "owner") throw new HostError("PATH_NOT_OWNER", {});
  return { kind: "path", path: body.path };
}

/** An install that was declined ends with a refusal; here that is what was asked for. */
async function decline(answer: () => Promise<unknown>): Promise<void> {
  try {
    await answer();
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== "CONSENT_DECLINED") throw error;
  }
}

/** The owner of the home is on this machine whatever the address of the other door. */
function refusalOf({ caller }: FastifyRequest): HostError | undefined {
  return caller.kind === "owner" ? undefined : new HostError("UPLOAD_NOT_LOCAL", {});
}
