import { extname } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parsePluginId } from "#manifests/names.ts";
import type { Host } from "../../../host.ts";
import { type PluginParams, pluginOf, pluginPaths } from "../plugin-path.ts";
import { failures } from "../shapes.ts";

/** What pages are made of; anything else is bytes to keep. */
const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wav": "audio/wav",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/**
 * A page of a plugin has an origin of its own: it can run its own scripts, and can neither read what
 * this host keeps in the browser nor ask anything of it or of anybody else.
 *
 * @see https://www.w3.org/TR/CSP3/#directive-sandbox
 */
const policy =
  "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline'; " +
  "style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:";

/** Adds the route that serves the folder `assets` of a plugin's package, while it is enabled. */
export function addAssets(app: FastifyInstance, { plugins }: Host): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const params = request.params as PluginParams & { "*": string };
    const path = params["*"].replace(/^$|\/$/, "$&index.html");
    const { bytes, digest } = await plugins.asset(parsePluginId(pluginOf(params)), path);
    const etag = `"${digest}"`;
    reply.header("etag", etag).header("cache-control", "private, no-cache");
    reply.header("content-security-policy", policy);
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    return reply.type(types[extname(path)] ?? "application/octet-stream").send(bytes);
  };
  for (const { url, hide } of pluginPaths("assets/*"))
    app.route({
      method: "GET",
      url,
      schema: {
        summary: "A file of the folder `assets` of a plugin's package",
        tags: ["plugins"],
        hide,
        response: failures,
      },
      config: { access: { scope: "read", bodies: [] } },
      handler,
    });
}
