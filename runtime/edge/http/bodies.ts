import type { FastifyInstance } from "fastify";
import { parseStrictJson } from "#manifests/strict-json.ts";
import { memberText } from "./json-member.ts";
import { httpLimits } from "./limits.ts";

/** Media types of a package in the form of a gzipped tar. */
export const packageTypes = [
  "application/gzip",
  "application/x-gzip",
  "application/vnd.convergio.package+gzip",
] as const;
/** Media type of a raw module. */
export const wasmType = "application/wasm";
/** Media type of raw input and output. */
export const bytesType = "application/octet-stream";

declare module "fastify" {
  interface FastifyRequest {
    /** JSON text of the member `input` of an invoke, exactly as the client wrote it. */
    inputText: string | undefined;
  }
}

/**
 * Teaches a server to read the bodies that routes declare, and no others.
 *
 * JSON must have one meaning only: a key that stands twice could be checked in one place and used
 * in another.
 */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_, body, done) =>
    settle(done, () => parse(body as Buffer)),
  );
  const raw = [...packageTypes, wasmType, bytesType];
  app.addContentTypeParser(raw, { parseAs: "buffer" }, (_, body, done) => done(null, body));
}

/** Teaches the routes of invoke to keep the text of the input besides. */
export function readInvokeBodies(app: FastifyInstance): void {
  app.removeContentTypeParser("application/json");
  app.decorateRequest("inputText", undefined);
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) =>
    settle(done, () => {
      const envelope = parse(body as Buffer);
      const isObject = typeof envelope === "object" && !Array.isArray(envelope);
      if (isObject && envelope !== null)
        request.inputText = memberText((body as Buffer).toString("utf8"), "input");
      return envelope;
    }),
  );
}

/** An empty body is no body: the schema of the route says whether there must be one. */
function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const bounds = { what: "the body", bytesMax: body.length, depthMax: httpLimits.bodyDepthMax };
  return parseStrictJson(body, bounds);
}

function settle(done: (error: Error | null, body?: unknown) => void, read: () => unknown): void {
  try {
    done(null, read());
  } catch (error) {
    done(error as Error);
  }
}
