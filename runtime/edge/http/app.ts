import { createServer, type RequestListener } from "node:http";
import fastify, { type FastifyInstance, type RouteOptions } from "fastify";
import type { Logger } from "pino";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { Host } from "../../host.ts";
import { untrustedJson } from "../../untrusted.ts";
import type { Access } from "./access.ts";
import { readBodies } from "./bodies.ts";
import { answerClientError } from "./client-error.ts";
import { createAccessGate, createKeyGate, createOpenGate, type GateParts } from "./gate.ts";
import { httpLimits } from "./limits.ts";
import { addOpenApi, collectOpenApi } from "./openapi.ts";
import type { Settled } from "./options.ts";
import { sendProblem } from "./problems.ts";
import { tellRefusal } from "./refusals.ts";
import { createIds } from "./request-ids.ts";
import { addAudit } from "./routes/audit.ts";
import { addEvents } from "./routes/events.ts";
import { addGrants } from "./routes/grants.ts";
import { addHealth, addLive } from "./routes/health.ts";
import { addAssets } from "./routes/assets.ts";
import { addCapabilities } from "./routes/capabilities.ts";
import { addCalls } from "./routes/calls.ts";
import { addInstall } from "./routes/install.ts";
import { addInvoke } from "./routes/invoke.ts";
import { addKeys } from "./routes/keys.ts";
import { addLogs } from "./routes/logs.ts";
import { addPlugins } from "./routes/plugins.ts";
import { addSecrets } from "./routes/secrets.ts";
import { addRequests } from "./routes/requests.ts";
import { addStore } from "./routes/store.ts";
import { addVersions } from "./routes/versions.ts";
import { setHeaders } from "./security-headers.ts";
import { createSchemaCompiler } from "./validate.ts";

/** A route and who may use it. */
export interface RouteView {
  readonly method: string;
  readonly url: string;
  /** Undefined for a route that needs no key. */
  readonly access: Access | undefined;
  readonly hasSchema: boolean;
}

/** Routes, and what answers requests for them. */
export interface App {
  readonly app: FastifyInstance;
  readonly listener: RequestListener;
  readonly routes: readonly RouteView[];
}

/**
 * Creates the routes of a host behind their gates; nothing listens yet.
 *
 * @throws ROUTE_NOT_FOUND to clients of any other route
 */
export function createApp(host: Host, settled: Settled, gate: GateParts): App {
  const { app, listener } = createRouter(settled, gate);
  const routes: RouteView[] = [];
  app.decorateRequest("caller").decorateRequest("traceId", "");
  app.setValidatorCompiler(createSchemaCompiler());
  // Not fast-json-stringify: it drops what a schema does not name, and texts of guests pass here.
  app.setSerializerCompiler(() => (value) => untrustedJson(value));
  app.setErrorHandler((error, request, reply) => {
    tellRefusal(host, error, request);
    sendProblem(error, request, reply, settled.logger);
  });
  app.addHook("onRoute", (route) => void routes.push(viewOf(route)));
  readBodies(app);
  collectOpenApi(app, settled.version);
  if (settled.logRequests) logRequests(app, settled.logger);
  app.register(async (open) => {
    open.addHook("onRequest", createOpenGate(gate));
    addLive(open);
  });
  app.register(async (keyed) => addKeyed(keyed, host, settled, gate));
  return { app, listener, routes };
}

function createRouter(
  settled: Settled,
  gate: GateParts,
): { app: FastifyInstance; listener: RequestListener } {
  const nextId = createIds(settled.clock);
  const caught: { listener: RequestListener } = { listener: () => {} };
  const app = fastify({
    logger: false,
    trustProxy: settled.behindProxy.length > 0 ? [...settled.behindProxy] : false,
    genReqId: () => nextId(),
    requestIdHeader: false,
    bodyLimit: httpLimits.documentBytesMax,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    routerOptions: { maxParamLength: httpLimits.paramCharsMax },
    // A path that cannot be decoded passes no hook, so its answer gets its headers here.
    frameworkErrors: (error, request, reply) => {
      setHeaders(reply, gate.headers);
      reply.header("convergio-request-id", request.id);
      sendProblem(error, request, reply, settled.logger);
    },
    clientErrorHandler: answerClientError,
    // The doors are servers of our own: one router behind two of them.
    serverFactory: (listener) => {
      caught.listener = listener as RequestListener;
      return createServer();
    },
  });
  return { app: app as unknown as FastifyInstance, listener: caught.listener };
}

function addKeyed(keyed: FastifyInstance, host: Host, settled: Settled, gate: GateParts): void {
  keyed.addHook("onRequest", createKeyGate(gate));
  keyed.addHook("onRoute", (route) => {
    const access = route.config?.access;
    if (access === undefined) return;
    // What a route checks besides comes after its scope.
    const own = [route.onRequest ?? []].flat();
    route.onRequest = [createAccessGate(host.keys, access), ...own];
  });
  keyed.setNotFoundHandler(({ method, url }) => {
    const path = quote(url.split("?", 1)[0] ?? "");
    throw new HostError("ROUTE_NOT_FOUND", { method, path });
  });
  addHealth(keyed, host);
  addOpenApi(keyed);
  addPlugins(keyed, host);
  addVersions(keyed, host);
  addStore(keyed, host, settled.logger);
  addAssets(keyed, host);
  addCapabilities(keyed, host);
  addLogs(keyed, host);
  addKeys(keyed, host);
  addSecrets(keyed, host);
  addGrants(keyed, { host, logger: settled.logger });
  addRequests(keyed, { host, logger: settled.logger });
  addCalls(keyed, host);
  addAudit(keyed, host);
  addEvents(keyed, host);
  keyed.register(async (scope) => addInstall(scope, { host, settled }));
  keyed.register(async (scope) =>
    addInvoke(scope, { host, logger: settled.logger, bodyLimit: settled.bodyBytesMax }),
  );
}

function viewOf({ method, url, config, schema }: RouteOptions): RouteView {
  return { method: String(method), url, access: config?.access, hasSchema: schema !== undefined };
}

function logRequests(app: FastifyInstance, logger: Logger): void {
  app.addHook("onResponse", (request, reply, done) => {
    const { id: requestId, traceId, method, caller, routeOptions } = request;
    const { statusCode: status, elapsedTime: ms } = reply;
    const route = routeOptions.url ?? null;
    logger.info({ requestId, traceId, method, route, status, ms, key: caller.id }, "request");
    done();
  });
}
