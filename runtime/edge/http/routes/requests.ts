import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import type { Logger } from "pino";
import { grantsSchema } from "#manifests/grants.ts";
import type { Host } from "../../../host.ts";
import type { InstallRequest } from "../../../install.ts";
import { json } from "../access.ts";
import { answerInstall, type Outcome } from "../install-events.ts";
import { failures, PluginShape } from "../shapes.ts";

const strings = (description: string) => Type.Array(Type.String(), { description });
const untrusted = { description: "The author's own words; do not trust them" };

const Entry = Type.Object({
  entry: Type.String({ examples: ["network[0]"] }),
  capability: Type.String(),
  verb: Type.String({ examples: ["fetch"] }),
  words: Type.String({ examples: ["GET https://api.example.com/…"] }),
  warnings: strings("What to know about it"),
  untrustedReason: Type.String(untrusted),
  was: Type.Union([Type.String(), Type.Null()], {
    description: "What the version of now asks for instead; null when it is new",
  }),
  reaches: strings("What it leads to by way of other plugins"),
  hosts: strings("Hosts that it names; of a secret, those that it may go to"),
  offer: grantsSchema,
});
const ToolChangeShape = Type.Object({
  tool: Type.String(),
  change: Type.Enum(["added", "removed", "changed"]),
  parts: Type.Array(
    Type.Object({
      what: Type.Enum(["description", "input", "output", "annotations", "encoding"]),
      untrustedBefore: Type.String(untrusted),
      untrustedAfter: Type.String(untrusted),
    }),
  ),
});
const AskShape = Type.Object({
  id: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  signer: Type.String(),
  source: Type.String(),
  asks: Type.Array(Entry, { description: "Of an update only what goes beyond the version of now" }),
  held: grantsSchema,
  decided: Type.Integer({ description: "How many things it asks for that were decided before" }),
  dropped: strings("What only the version of now asks for"),
  together: strings("What a yes to everything lets it do with one thing and another"),
  instances: Type.Enum(["fresh", "warm", "single"]),
  tools: strings("Names of its tools"),
  readOnly: strings("Tools that only read: the host holds them to it"),
  toolChanges: Type.Array(ToolChangeShape),
  callers: strings("Installed plugins that may call it, and gain what it gains"),
  replaces: Type.Union([Type.String(), Type.Null()]),
  isOlder: Type.Boolean({ description: "Whether that is a newer one" }),
  instead: Type.Union([
    Type.Object({ version: Type.String(), signer: Type.String() }),
    Type.Null({ description: "Or another signer's plugin under this id, which would be gone" }),
  ]),
  looksLike: strings("Installed ids that it could be mistaken for"),
  choices: Type.Record(Type.String(), strings("Secrets of the operator that it could be")),
});

/** What an install waits for. */
export const WaitingShape = Type.Object({
  request: Type.Integer({ description: "Number of the request" }),
  consentId: Type.String({ description: "Names this question; good for one answer" }),
  ask: AskShape,
});

/** An answer to what was asked. */
export const ConsentBody = Type.Object(
  {
    consentId: Type.String({ minLength: 1, maxLength: 128 }),
    accept: Type.Boolean(),
    grants: Type.Optional(
      Type.Unsafe<unknown>({
        type: "object",
        description:
          "All that it may do from now on, within what it asks; all of that but secrets when left out",
      }),
    ),
  },
  { additionalProperties: false },
);

const summaries = {
  number: Type.Integer(),
  plugin: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  signer: Type.String(),
  source: Type.String(),
  askedBy: Type.String({ description: "Owner of the key that began it" }),
  createdAt: Type.String(),
  expiresAt: Type.String(),
};
const RequestShape = Type.Object(summaries);
const ShownShape = Type.Object({ ...summaries, ...WaitingShape.properties });
const RequestParams = Type.Object({
  number: Type.String({ pattern: "^[1-9][0-9]{0,14}$", errorMessage: "be a number" }),
});

/** Answers one question, by the number of its request or by its plugin. */
export async function answerConsent(
  host: Host,
  which: { readonly number: number } | { readonly plugin: string },
  { body, caller }: FastifyRequest,
  onStep?: InstallRequest["onStep"],
): Promise<Outcome> {
  const { consentId, accept, grants } = body as Static<typeof ConsentBody>;
  const plugin = await host.requests.answer(which, {
    ...{ consentId, accept, by: caller },
    ...(grants !== undefined && { grants }),
    ...(onStep && { onStep }),
  });
  if (plugin === null) return { event: "declined", status: 204, value: null };
  return { event: "installed", status: 200, value: plugin };
}

/** Adds the routes that show and answer the installs that wait for consent. */
export function addRequests(
  app: FastifyInstance,
  { host, logger }: { readonly host: Host; readonly logger: Logger },
): void {
  const tags = ["requests"];
  const access = { scope: "grants", bodies: [] } as const;
  app.get("/requests", {
    schema: {
      summary: "The installs that wait for consent",
      tags,
      response: { 200: Type.Object({ requests: Type.Array(RequestShape) }), ...failures },
    },
    config: { access },
    handler: async () => ({ requests: await host.requests.list() }),
  });
  app.get<{ Params: Static<typeof RequestParams> }>("/requests/:number", {
    schema: {
      summary: "What one of them asks for, as things are now",
      tags,
      params: RequestParams,
      response: { 200: ShownShape, ...failures },
    },
    config: { access },
    handler: async ({ params }) => host.requests.show(Number(params.number)),
  });
  app.put<{ Params: Static<typeof RequestParams> }>("/requests/:number", {
    schema: {
      summary: "Answer one of them: yes, no, or yes to some of it",
      tags,
      params: RequestParams,
      body: ConsentBody,
      response: { 200: PluginShape, ...failures },
    },
    config: { access: { scope: "grants", bodies: json } },
    handler: (request, reply) =>
      answerInstall({ request, reply, logger }, (onStep) =>
        answerConsent(host, { number: Number(request.params.number) }, request, onStep),
      ),
  });
}
