import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { type Static, Type } from "typebox";
import { type PluginId, parsePluginId } from "#manifests/names.ts";
import type { Host } from "../../../host.ts";
import type { Caller } from "../../../keys.ts";
import { type Access, json } from "../access.ts";
import { type PluginParams, pluginOf, pluginPaths } from "../plugin-path.ts";
import { failures, nothing, PluginShape } from "../shapes.ts";

const RemoveQuery = Type.Object(
  { purge: Type.Optional(Type.Boolean({ description: "Whether its data goes too" })) },
  { additionalProperties: false },
);
const Config = Type.Record(Type.String(), Type.Unknown(), {
  description: "The settings of the plugin, as its manifest describes them",
  examples: [{ units: "metric" }],
});
const tags = ["plugins"];

/** A route on one plugin. */
interface PluginRoute {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** The word after the id; none for the plugin itself. */
  readonly action?: string;
  readonly scope: Access["scope"];
  readonly summary: string;
  readonly body?: object;
  readonly querystring?: object;
  /** Schema of the answer; an empty answer when left out. */
  readonly answer?: object;
  /** Returns what is sent as JSON, or the reply when it has seen to that itself. */
  readonly handle: (id: PluginId, request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** Adds one route on a plugin under both forms of its path. */
export function addPluginRoute(app: FastifyInstance, route: PluginRoute): void {
  const { method, action, scope, summary, body, querystring, answer, handle } = route;
  for (const { url, params, hide } of pluginPaths(action)) {
    const schema = {
      summary,
      tags,
      hide,
      params,
      ...(body === undefined ? {} : { body }),
      ...(querystring === undefined ? {} : { querystring }),
      response: { [answer === undefined ? 204 : 200]: answer ?? nothing, ...failures },
    };
    const options: RouteOptions = {
      method,
      url,
      schema,
      config: { access: { scope, bodies: body === undefined ? [] : json } },
      handler: async (request, reply) => {
        const id = parsePluginId(pluginOf(request.params as PluginParams));
        const value = await handle(id, request, reply);
        return answer === undefined ? reply.code(204).send() : value;
      },
    };
    app.route(options);
  }
}

/** Adds the routes that show and change installed plugins. */
export function addPlugins(app: FastifyInstance, host: Host): void {
  addViews(app, host);
  addSwitches(app, host);
  addPluginRoute(app, {
    method: "PUT",
    action: "config",
    scope: "admin",
    summary: "Configure a plugin",
    body: Config,
    answer: Config,
    handle: (id, { body, caller }) => host.plugins.setConfig(id, body, caller),
  });
  addPluginRoute(app, {
    method: "DELETE",
    scope: "admin",
    summary: "Remove a plugin and its grants; its data stays unless purged",
    querystring: RemoveQuery,
    handle: (id, { query, caller }) => {
      const { purge = false } = query as Static<typeof RemoveQuery>;
      return host.plugins.remove(id, caller, { purge });
    },
  });
}

function addViews(app: FastifyInstance, { plugins }: Host): void {
  app.get("/plugins", {
    schema: {
      summary: "The installed plugins",
      tags,
      response: { 200: Type.Object({ plugins: Type.Array(PluginShape) }), ...failures },
    },
    config: { access: { scope: "read", bodies: [] } },
    handler: async () => ({ plugins: plugins.list() }),
  });
  const view = { method: "GET", scope: "read" } as const;
  addPluginRoute(app, {
    ...view,
    summary: "One plugin",
    answer: PluginShape,
    handle: (id) => plugins.info(id),
  });
  addPluginRoute(app, {
    ...view,
    action: "manifest",
    summary: "The manifest of a plugin, as its author wrote it",
    answer: Type.Unknown(),
    handle: (id) => plugins.manifest(id),
  });
  addPluginRoute(app, {
    ...view,
    action: "config",
    summary: "The settings of a plugin",
    answer: Config,
    handle: (id) => plugins.config(id),
  });
}

function addSwitches(app: FastifyInstance, { plugins }: Host): void {
  const summaries = {
    enable: "Let a plugin be called again",
    disable: "Let a plugin be called no more; running calls end by themselves",
    stop: "Refuse calls of a plugin and cancel those that run, until it is started",
    start: "Take calls of a stopped plugin again",
  } as const;
  for (const action of ["enable", "disable", "stop", "start"] as const)
    addPluginRoute(app, {
      method: "POST",
      action,
      scope: "admin",
      summary: summaries[action],
      answer: PluginShape,
      handle: (id, { caller }) => plugins[action](id, caller),
    });
  app.post("/stop", {
    schema: {
      summary: "Stop every plugin: refuse all calls and cancel those that run",
      tags,
      response: { 200: Type.Object({ plugins: Type.Array(PluginShape) }), ...failures },
    },
    config: { access: { scope: "admin", bodies: [] } },
    handler: async ({ caller }) => ({ plugins: await stopAll(plugins, caller) }),
  });
}

/** One that cannot be stopped must not keep the others running. */
async function stopAll(plugins: Host["plugins"], by: Caller) {
  const ids = plugins.list().map(({ id }) => id);
  const stopped = await Promise.allSettled(ids.map((id) => plugins.stop(id, by)));
  const failed = stopped.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return plugins.list();
}
