import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import { auditKinds, type AuditRecord } from "#manifests/audit.ts";
import { type AuditWish, toQuery } from "../../../books-view.ts";
import { fits } from "../../../audit/query.ts";
import type { Host } from "../../../host.ts";
import { untrustedJson } from "../../../untrusted.ts";
import type { Access } from "../access.ts";
import { json } from "../access.ts";
import { failures } from "../shapes.ts";
import { createEventStream, type EventStream, wantsEvents } from "../sse.ts";

const Moment = (description: string) =>
  Type.String({
    pattern: "^\\d{4}-\\d{2}-\\d{2}(?:T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?Z)?$",
    errorMessage: "be a moment in UTC such as 2026-01-31T08:00:00Z",
    description,
    examples: ["2026-01-31T08:00:00Z"],
  });
const AuditQuery = Type.Object(
  {
    plugin: Type.Optional(Type.String({ maxLength: 128, description: "Only of this plugin" })),
    kind: Type.Optional(
      Type.String({ maxLength: 64, description: `Only of this kind: ${auditKinds.join(", ")}` }),
    ),
    owner: Type.Optional(Type.String({ maxLength: 128, description: "Only of this owner's keys" })),
    decision: Type.Optional(
      Type.String({ maxLength: 16, description: "Only what was allowed, denied or failed" }),
    ),
    callId: Type.Optional(Type.String({ maxLength: 64, description: "Only of this call" })),
    since: Type.Optional(Moment("Only from this moment on")),
    until: Type.Optional(Moment("Only up to this moment")),
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: "Only records with lower numbers, as `next` says" }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, description: "100 by default" }),
    ),
    follow: Type.Optional(
      Type.Boolean({ description: "Go on with new records, as `accept: text/event-stream` does" }),
    ),
  },
  { additionalProperties: false },
);
const Records = Type.Array(Type.Record(Type.String(), Type.Unknown()));
const Head = Type.Object({
  seq: Type.Integer({ description: "Number of the record" }),
  digest: Type.String({ description: "Digest of its line" }),
  at: Type.String(),
  key: Type.String({ description: "Public half of the key that signed it" }),
  signature: Type.String({ description: "Ed25519, base64url" }),
});
const Heads = Type.Object({ head: Head, sealed: Type.Array(Head) });
const KeptHead = Type.Object(
  {
    seq: Type.Integer({ minimum: 0 }),
    digest: Type.String({ pattern: "^sha256:[0-9a-f]{64}$" }),
    at: Type.Optional(Type.String({ maxLength: 64 })),
    key: Type.Optional(Type.String({ maxLength: 64 })),
    signature: Type.Optional(Type.String({ maxLength: 128 })),
  },
  { additionalProperties: false },
);
const VerifyBody = Type.Object(
  { heads: Type.Optional(Type.Array(KeptHead, { maxItems: 1_000 })) },
  { additionalProperties: false },
);
const Verdict = Type.Object({
  state: Type.Enum(["anchored", "consistent", "broken"]),
  records: Type.Integer(),
  from: Type.Integer(),
  to: Type.Object({ seq: Type.Integer(), digest: Type.String() }),
  seals: Type.Integer(),
  anchoredTo: Type.Union([Type.Integer(), Type.Null()]),
  broken: Type.Union([Type.Object({ seq: Type.Integer(), why: Type.String() }), Type.Null()]),
  notes: Type.Array(Type.String()),
});
const PruneBody = Type.Object(
  {
    keepDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    keepBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
const tags = ["audit"];
const read: Access = { scope: "logs", bodies: [] };

/** Adds the routes that show, check, give away and shorten the audit. */
export function addAudit(app: FastifyInstance, host: Host): void {
  const open = new Set<EventStream>();
  // Whoever follows would follow for ever, and a host that stops would wait for them.
  app.addHook("preClose", (done) => {
    for (const events of open) events.end();
    done();
  });
  addRecords(app, host, open);
  addHeads(app, host);
  addVerify(app, host);
  addExport(app, host);
  app.post<{ Body: Static<typeof PruneBody> }>("/audit/prune", {
    schema: {
      summary: "Remove finished files of the audit that are too old or too many",
      tags,
      body: PruneBody,
      response: {
        200: Type.Object({ prunedTo: Type.Union([Type.Integer(), Type.Null()]) }),
        ...failures,
      },
    },
    config: { access: { scope: "admin", bodies: json } },
    handler: async ({ body, caller }) => ({
      prunedTo: (await host.audit.prune(caller, body)) ?? null,
    }),
  });
}

function addRecords(app: FastifyInstance, host: Host, open: Set<EventStream>): void {
  app.get<{ Querystring: Static<typeof AuditQuery> }>("/audit", {
    schema: {
      summary: "What was done and by whom, newest last",
      tags,
      querystring: AuditQuery,
      response: {
        200: Type.Object({
          records: Records,
          next: Type.Union([Type.Integer(), Type.Null()], {
            description: "`before` for the records before these; null when there may be none",
          }),
        }),
        ...failures,
      },
    },
    config: { access: read },
    handler: async ({ query: { limit = 100, follow = false, ...rest }, headers }, reply) => {
      const wish = { ...rest, limit };
      if (follow || wantsEvents(headers.accept)) return followRecords(host, reply, { wish, open });
      const records = (await host.auditQuery(wish)) as readonly AuditRecord[];
      return { records, next: records.length < limit ? null : (records[0]?.seq ?? null) };
    },
  });
}

async function followRecords(
  host: Host,
  reply: FastifyReply,
  { wish, open }: { readonly wish: AuditWish; readonly open: Set<EventStream> },
): Promise<FastifyReply> {
  using undo = new DisposableStack();
  const waiting: AuditRecord[] = [];
  const state = { last: 0, isLive: false };
  const events = undo.use(createEventStream(reply));
  const send = (record: AuditRecord): void => {
    if (record.seq <= state.last) return;
    state.last = record.seq;
    events.send("record", untrustedJson(record));
  };
  const { limit: _, ...query } = toQuery(wish);
  // Heard before the old ones are read, so that none falls between.
  undo.use(
    host.audit.follow((record) => {
      if (!fits(record, query)) return;
      if (state.isLive) send(record);
      else waiting.push(record);
    }),
  );
  open.add(events);
  undo.defer(() => open.delete(events));
  events.open();
  for (const record of await host.auditQuery(wish)) send(record as AuditRecord);
  for (const record of waiting) send(record);
  state.isLive = true;
  await events.closed;
  return reply;
}

function addHeads(app: FastifyInstance, host: Host): void {
  app.get("/audit/head", {
    schema: {
      summary: "The end of the audit and the ends of its finished files, signed by the host's key",
      tags,
      response: { 200: Heads, ...failures },
    },
    config: { access: read },
    handler: () => host.audit.heads(),
  });
}

function addVerify(app: FastifyInstance, host: Host): void {
  app.post<{ Body: Static<typeof VerifyBody> }>("/audit/verify", {
    schema: {
      summary: "Check every record, and the heads that somebody kept; events `progress`, `verdict`",
      tags,
      body: VerifyBody,
      response: { 200: Verdict, ...failures },
    },
    config: { access: { scope: "logs", bodies: json } },
    handler: async ({ body, headers }, reply) => {
      const heads = body.heads ?? [];
      if (!wantsEvents(headers.accept)) return host.audit.verify({ heads });
      using events = createEventStream(reply);
      events.open();
      const onProgress = (done: number, total: number): void =>
        events.send("progress", JSON.stringify({ done, total }));
      const verdict = await host.audit.verify({ heads, onProgress });
      events.finish("verdict", untrustedJson(verdict));
      return reply;
    },
  });
}

function addExport(app: FastifyInstance, host: Host): void {
  app.get("/audit/export", {
    schema: {
      summary: "Every record as it stands in the files, oldest first: JSON, one a line",
      tags,
      response: {
        200: { content: { "application/x-ndjson": { schema: Type.String() } } },
        ...failures,
      },
    },
    config: { access: read },
    handler: (_, reply) =>
      reply.type("application/x-ndjson").send(Readable.from(host.audit.export())),
  });
}
