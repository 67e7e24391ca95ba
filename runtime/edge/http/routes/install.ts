import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { HostError } from "#manifests/errors.ts";
import type { Host } from "../../../host.ts";
import type { InstallRequest, InstallSource } from "../../../install.ts";
import { isLoopback } from "../allowed.ts";
import { packageTypes, wasmType } from "../bodies.ts";
import { answerInstall, type Outcome } from "../install-events.ts";
import type { Settled } from "../options.ts";
import { failures, PluginShape } from "../shapes.ts";
import { WaitingShape } from "./requests.ts";

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
    digest: Type.Optional(
      Type.String({
        pattern: "^sha256:[0-9a-f]{64}$",
        errorMessage: "be a digest such as sha256:…",
        description: "The only package that will do",
      }),
    ),
    downgrade: Type.Optional(
      Type.Boolean({ description: "Whether it may be below the highest version that answered" }),
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
const schema = {
  summary: "Install a plugin: a package, a module, or a path for the home's owner",
  description:
    "Answers 201 with the plugin, or 202 with what it asks for and a consent id; " +
    "`PUT /plugins/{id}/grants` or `PUT /requests/{number}` completes that. With " +
    "`accept: text/event-stream` the answer is the events `step`, then `installed`, `waiting` or " +
    "`error`.",
  tags: ["plugins"],
  querystring: InstallQuery,
  body: {
    content: {
      "application/json": { schema: PathBody },
      ...Object.fromEntries([...packageTypes, wasmType].map((type) => [type, { schema: {} }])),
    },
  },
  response: { 201: PluginShape, 202: WaitingShape, ...failures },
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
  const { logger } = settled;
  const isLocal = isLoopback(settled.host) && settled.behindProxy.length === 0;
  app.post<InstallRoute>("/plugins", {
    schema,
    config: {
      access: { scope: "install", bodies: ["application/json", ...packageTypes, wasmType] },
    },
    bodyLimit: settled.uploadBytesMax,
    // Refused before the body is read: it may be large.
    onRequest: (request, _, done) => done(isLocal ? undefined : refusalOf(request)),
    handler: (request, reply) =>
      answerInstall({ request, reply, logger }, (onStep) => install(host, request, onStep)),
  });
}

async function install(
  host: Host,
  request: Install,
  onStep?: InstallRequest["onStep"],
): Promise<Outcome> {
  const { caller } = request;
  const source = sourceOf(request);
  const { downgrade: allowDowngrade = false, digest } = request.query;
  const answer = await host.requests.begin({
    ...{ caller, source, allowDowngrade },
    ...(digest !== undefined && { digest }),
    ...(onStep && { onStep }),
  });
  if (answer.kind === "installed") return { event: "installed", status: 201, value: answer.plugin };
  const { kind, ...waiting } = answer;
  return { event: "waiting", status: 202, value: waiting };
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

/** The owner of the home is on this machine whatever the address of the other door. */
function refusalOf({ caller }: FastifyRequest): HostError | undefined {
  return caller.kind === "owner" ? undefined : new HostError("UPLOAD_NOT_LOCAL", {});
}
