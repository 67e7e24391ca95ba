import Type, { type Static } from "typebox";
import { closed } from "./document.ts";

/** What an operator is told of without asking. */
export const eventKinds = [
  /** A plugin or a client was refused again and again within a minute. */
  "denied",
  /** A secret was found in what was on its way to a guest, a log or an error, and taken out. */
  "redacted",
  /** An install waits for somebody's consent. */
  "consentNeeded",
  /** A key, grant or secret holds no longer because somebody withdrew it. */
  "revoked",
  /** A plugin was put apart or disabled because of what it did. */
  "quarantined",
  /** The disk of the home runs full, or has room again. */
  "disk",
  /** A key, grant or secret ends within 14 days. */
  "expiring",
  /** A runner process ended by itself. */
  "runnerDied",
  /** Old segments of the audit were removed. */
  "auditPruned",
  /** The audit cannot be written, or was found damaged. */
  "auditFailed",
] as const;

/** One of `eventKinds`. */
export type EventKind = (typeof eventKinds)[number];

/**
 * The schema of an event as web hooks, commands and `GET /events` get it.
 *
 * It holds no input, no secret and nothing that a guest wrote as free text.
 */
export const eventSchema = closed({
  event: Type.Literal(1, { description: "Version of this form" }),
  id: Type.String({ maxLength: 64, description: "The same in every attempt to deliver it" }),
  at: Type.String({ description: "Time in UTC, ISO 8601 with milliseconds" }),
  kind: Type.Enum(eventKinds),
  plugin: Type.Union([Type.String({ maxLength: 128 }), Type.Null()]),
  /** What it is about besides the plugin: a capability, the id of a key, an address. */
  subject: Type.Union([Type.String({ maxLength: 128 }), Type.Null()]),
  text: Type.String({ maxLength: 500, description: "What happened, and what to type, for people" }),
  count: Type.Integer({ minimum: 1, description: "How often it happened within the minute" }),
  dropped: Type.Integer({ minimum: 0, description: "Events before this one that were lost" }),
});

/** An event as it leaves the host. */
export type HostEvent = Static<typeof eventSchema>;
