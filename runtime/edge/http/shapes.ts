import { Type } from "typebox";
import { problemType } from "./problems.ts";

/** A failure. */
export const ProblemShape = Type.Object(
  {
    type: Type.String({ description: "Where the failure is described" }),
    title: Type.String({ description: "Code of the failure, stable across releases" }),
    status: Type.Integer(),
    detail: Type.String({ description: "What was refused and why, in a sentence" }),
    hint: Type.String({ description: "What to do about it" }),
    requestId: Type.String({ description: "Id to look for in the log of the host" }),
    callId: Type.Optional(Type.String()),
  },
  { description: "A failure, as RFC 9457 has it" },
);

/** What every route answers when it refuses or fails. */
export const failures = {
  "4xx": {
    description: "Refused; nothing was done",
    content: { [problemType]: { schema: ProblemShape } },
  },
  "5xx": {
    description: "The host or a plugin failed",
    content: { [problemType]: { schema: ProblemShape } },
  },
} as const;

/** What a call cost. */
export const Usage = Type.Object({
  fuel: Type.Number({ description: "Units of about one instruction" }),
  wallMs: Type.Number({ description: "Milliseconds from leaving the queue to the answer" }),
  memoryBytes: Type.Number(),
  hostCalls: Type.Number(),
});

/** A plugin as `GET /plugins/{id}` shows it. */
export const PluginShape = Type.Object({
  id: Type.String({ examples: ["acme/weather"] }),
  version: Type.String({ examples: ["1.2.0"] }),
  digest: Type.String(),
  name: Type.String(),
  description: Type.String(),
  state: Type.Enum(["active", "disabled", "stopped", "quarantined"]),
  reason: Type.Union([Type.String(), Type.Null()]),
  signer: Type.String({ description: "`unsigned`, or the name of who signed it" }),
  source: Type.String(),
  instances: Type.Enum(["fresh", "warm", "single"]),
  installedAt: Type.String(),
  versions: Type.Array(Type.String()),
  tools: Type.Array(
    Type.Object({
      name: Type.String(),
      description: Type.String(),
      input: Type.Unknown(),
      output: Type.Unknown(),
      encoding: Type.Enum(["json", "text", "bytes"]),
    }),
  ),
});

/** A key, never its secret. */
export const KeyShape = Type.Object({
  id: Type.String(),
  owner: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  ratePerMinute: Type.Number({ description: "Requests a minute; 0 for no limit" }),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  lastUsedAt: Type.Union([Type.String(), Type.Null()]),
  revokedAt: Type.Union([Type.String(), Type.Null()]),
});

/** An answer without a body. */
export const nothing = { description: "Done", type: "null" } as const;
