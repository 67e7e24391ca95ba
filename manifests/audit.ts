import Type, { type Static } from "typebox";
import { closed } from "./document.ts";

const text = (charsMax: number) => Type.String({ maxLength: charsMax });
const orNull = (charsMax: number) => Type.Union([text(charsMax), Type.Null()]);
const count = Type.Integer({ minimum: 0 });

/** What a record is about. */
export const auditKinds = [
  "call",
  "effect",
  "install",
  "plugin",
  "grants",
  "secret",
  "key",
  "config",
  "runner",
  "host",
  "request",
  "audit",
] as const;

/**
 * The schema of one line of the audit: who did or tried what, and how it was decided.
 *
 * A record holds hashes of inputs, never inputs, and nothing that a guest wrote as free text.
 */
export const auditSchema = closed({
  audit: Type.Literal(1, { description: "Version of this form" }),
  seq: Type.Integer({ minimum: 1, description: "One more than the record before" }),
  at: Type.String({ description: "Time in UTC, ISO 8601 with milliseconds" }),
  kind: Type.Enum(auditKinds),
  /** What was tried, as a verb: `invoke`, `kv_set`, `activate`, `rotate`. */
  act: text(64),
  decision: Type.Enum(["allowed", "denied", "failed"]),
  code: orNull(64),
  /** How many such things this record stands for, when they were too many to be told one by one. */
  count: Type.Optional(Type.Integer({ minimum: 1 })),
  owner: orNull(128),
  keyId: orNull(64),
  requestId: orNull(64),
  callId: orNull(64),
  plugin: orNull(64),
  version: orNull(64),
  digest: orNull(71),
  signer: orNull(300),
  tool: orNull(64),
  /** Plugin ids from the outermost call inwards. */
  chain: Type.Array(text(64), { maxItems: 32 }),
  capability: orNull(32),
  /** What the request named, in the form that grants are written in. */
  target: orNull(512),
  inputHash: orNull(71),
  bytes: count,
  fuel: count,
  /** Host functions that a call asked for, those too that have no records of their own. */
  hostCalls: Type.Optional(count),
  wallMs: Type.Number({ minimum: 0 }),
  /** Whether an exercise made it rather than use. */
  drill: Type.Boolean(),
  /** Digest of the line before, which makes a chain of them. */
  previous: text(71),
});

/** One line of the audit. */
export type AuditRecord = Static<typeof auditSchema>;
