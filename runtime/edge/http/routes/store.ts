import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import type { Logger } from "pino";
import type { Host } from "../../../host.ts";
import { untrustedJson } from "../../../untrusted.ts";
import { json } from "../access.ts";
import { problemOf, toHostError } from "../problems.ts";
import { failures } from "../shapes.ts";
import { createEventStream, wantsEvents } from "../sse.ts";

const Wish = Type.Object(
  { dryRun: Type.Optional(Type.Boolean({ description: "Whether nothing is removed" })) },
  { additionalProperties: false },
);
const Collected = Type.Object({
  dryRun: Type.Boolean(),
  versions: Type.Array(Type.Object({ plugin: Type.String(), version: Type.String() })),
  orphans: Type.Integer({ description: "Packages and modules that nothing referred to" }),
  freedBytes: Type.Integer(),
  usedBytes: Type.Integer(),
  quotaBytes: Type.Integer(),
});

const BackupBody = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 4_096,
      pattern: "^/",
      errorMessage: "be an absolute path",
      description: "A file of the host's machine that is not there yet",
    }),
  },
  { additionalProperties: false },
);
const Backup = Type.Object({
  path: Type.String(),
  files: Type.Integer(),
  bytes: Type.Integer({ description: "Of the files in it" }),
  createdAt: Type.String(),
});

/** Adds the routes that keep the home in order: what nobody needs goes, and a copy is made of the rest. */
export function addStore(app: FastifyInstance, host: Host, logger: Logger): void {
  addGc(app, host);
  addBackup(app, host, logger);
}

function addBackup(app: FastifyInstance, host: Host, logger: Logger): void {
  app.post<{ Body: Static<typeof BackupBody> }>("/backup", {
    schema: {
      summary: "Write all of the home into one file; for the home's owner only",
      description:
        "With `accept: text/event-stream` the events `progress`, then `done` or `error`.",
      tags: ["host"],
      body: BackupBody,
      response: { 200: Backup, ...failures },
    },
    config: { access: { scope: "admin", bodies: json } },
    handler: async (request, reply) => {
      const { body, caller: by, headers } = request;
      if (!wantsEvents(headers.accept)) return host.backUp({ path: body.path, by });
      using events = createEventStream(reply);
      const shown = { percent: -1 };
      const onProgress = (done: number, all: number): void => {
        const percent = Math.floor((100 * done) / all);
        if (percent === shown.percent) return;
        shown.percent = percent;
        events.send("progress", JSON.stringify({ done, all }));
      };
      try {
        const made = await host.backUp({ path: body.path, by, onProgress });
        events.finish("done", untrustedJson(made));
      } catch (thrown) {
        if (!events.isOpen) throw thrown;
        const error = toHostError(thrown);
        logger.error({ requestId: request.id, err: thrown }, "a backup failed");
        events.finish("error", JSON.stringify(problemOf(error, request.id)));
      }
      return reply;
    },
  });
}

function addGc(app: FastifyInstance, { store }: Host): void {
  app.post<{ Body: Static<typeof Wish> | undefined }>("/gc", {
    schema: {
      summary: "Remove versions beyond those that are kept, and files that nothing refers to",
      tags: ["host"],
      body: Wish,
      response: { 200: Collected, ...failures },
    },
    config: { access: { scope: "admin", bodies: json } },
    handler: async ({ body, caller }) => store.collect(caller, { dryRun: body?.dryRun ?? false }),
  });
}
