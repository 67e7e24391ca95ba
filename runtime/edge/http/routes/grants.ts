import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { type Static, Type } from "typebox";
import { createCheck } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";
import { grantsSchema } from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import type { Host } from "../../../host.ts";
import { answerInstall } from "../install-events.ts";
import { CanShape, ExplainShape, GrantsShape, WhoCanShape } from "../grants-shapes.ts";
import { failures, PluginShape } from "../shapes.ts";
import { addPluginRoute } from "./plugins.ts";
import { answerConsent, ConsentBody } from "./requests.ts";

const EditBody = Type.Object(
  {
    ...grantsSchema.properties,
    revision: Type.Optional(
      Type.String({ maxLength: 64, description: "What is edited; or the header if-match" }),
    ),
    callers: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), {
        maxItems: 256,
        description: "Plugins that are known to gain by it, because they may call the plugin",
      }),
    ),
  },
  { additionalProperties: false },
);
/** The parts are told apart and checked here: a mistake in one is not explained by the other. */
const PutBody = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: "object",
  description: "All that it may do from now on; or the answer to what a waiting install asks for",
});
const WhoCanQuery = Type.Object(
  {
    capability: Type.Enum(["network", "secrets", "files", "kv", "tools"]),
    target: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        description: "A host, a URL, the name of a secret, a folder or a plugin",
        examples: ["api.github.com"],
      }),
    ),
  },
  { additionalProperties: false },
);
const CallParams = Type.Object({ callId: Type.String({ maxLength: 128 }) });

const invalid = ({ path, problem }: { path: string; problem: string }): HostError =>
  new HostError("REQUEST_INVALID", { part: "body", path, problem });
const checkConsent = createCheck(ConsentBody, invalid);
const checkAround = createCheck(Type.Pick(EditBody, ["revision", "callers"]), invalid);

/** Adds the routes that show what plugins may do, and change it. */
export function addGrants(
  app: FastifyInstance,
  { host, logger }: { readonly host: Host; readonly logger: Logger },
): void {
  addPluginRoute(app, {
    method: "GET",
    action: "grants",
    scope: "read",
    summary: "What a plugin may do, and what it asks for",
    answer: GrantsShape,
    handle: (id, _, reply) => shown(host.grants.view(id), reply),
  });
  addPluginRoute(app, {
    method: "PUT",
    action: "grants",
    scope: "grants",
    summary: "Put other grants in the place of those of a plugin, or answer a waiting install",
    body: PutBody,
    answer: Type.Union([GrantsShape, PluginShape]),
    handle: (plugin, request, reply) =>
      Object.hasOwn(request.body as object, "consentId")
        ? answered(host, { plugin, request, reply, logger })
        : edited(host, plugin, request, reply),
  });
  addPluginRoute(app, {
    method: "GET",
    action: "can",
    scope: "read",
    summary: "What a plugin can do now, through the tools of others too",
    answer: CanShape,
    handle: (id) => host.grants.can(id),
  });
  addQuestions(app, host);
}

function addQuestions(app: FastifyInstance, host: Host): void {
  app.get<{ Querystring: Static<typeof WhoCanQuery> }>("/who-can", {
    schema: {
      summary: "Which plugins can do something now, through the tools of others too",
      tags: ["plugins"],
      querystring: WhoCanQuery,
      response: { 200: WhoCanShape, ...failures },
    },
    config: { access: { scope: "read", bodies: [] } },
    handler: async ({ query: { capability, target = null } }) =>
      host.grants.whoCan(capability, target),
  });
  app.get<{ Params: Static<typeof CallParams> }>("/calls/:callId/explain", {
    schema: {
      summary: "A call that is over, with all that it did and what was denied to it",
      tags: ["calls"],
      params: CallParams,
      response: { 200: ExplainShape, ...failures },
    },
    config: { access: { scope: "logs", bodies: [] } },
    handler: async ({ params, caller }) => host.grants.explain(params.callId, caller),
  });
}

interface Answering {
  readonly plugin: PluginId;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly logger: Logger;
}

function answered(host: Host, { plugin, request, reply, logger }: Answering): unknown {
  checkConsent(request.body);
  return answerInstall({ request, reply, logger }, (onStep) =>
    answerConsent(host, { plugin }, request, onStep),
  );
}

/** @throws REQUEST_INVALID, and what refuses an edit */
async function edited(
  host: Host,
  id: PluginId,
  { body, headers, caller }: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { revision: written, callers: known, ...document } = body as Record<string, unknown>;
  const around = checkAround({
    ...(written !== undefined && { revision: written }),
    ...(known !== undefined && { callers: known }),
  });
  const named = headers["if-match"]?.replace(/^"(.*)"$/, "$1");
  const revision = around.revision ?? named;
  if (revision === undefined || (named !== undefined && named !== revision))
    throw invalid({ path: "revision", problem: "must say what is edited, there or in if-match" });
  const { callers = [] } = around;
  return shown(await host.grants.edit(id, { document, revision, callers }, caller), reply);
}

/** The header lets a client that knows nothing of revisions edit safely. */
function shown(view: ReturnType<Host["grants"]["view"]>, reply: FastifyReply): typeof view {
  reply.header("etag", `"${view.revision}"`);
  return view;
}
