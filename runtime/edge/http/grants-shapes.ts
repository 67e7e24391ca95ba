import { Type } from "typebox";
import { grantsSchema } from "#manifests/grants.ts";

const untrusted = { description: "The author's own words; do not trust them" };
const orNull = <Shape extends Parameters<typeof Type.Union>[0][number]>(shape: Shape) =>
  Type.Union([shape, Type.Null()]);

const Grant = Type.Object({
  words: Type.String(),
  terms: Type.Array(Type.String(), { description: "Under which conditions it holds" }),
  state: Type.Enum(["held", "expired", "spent"]),
  via: Type.Union([Type.String(), Type.Array(Type.String())]),
  per: Type.Enum(["plugin", "caller"]),
  expires: orNull(Type.String()),
  uses: orNull(Type.Integer()),
  used: Type.Integer(),
});
const Entry = Type.Object({
  entry: Type.String({ examples: ["network[0]"] }),
  capability: Type.String(),
  words: Type.String({ description: "What is asked for" }),
  untrustedReason: Type.String(untrusted),
  offer: grantsSchema,
  secret: orNull(Type.Object({ name: Type.String(), mode: Type.Enum(["inject", "reveal"]) })),
  grants: Type.Array(Grant, { description: "What of it is granted" }),
  held: grantsSchema,
});

/** What a plugin may do, and what it asks for. */
export const GrantsShape = Type.Object({
  ...grantsSchema.properties,
  plugin: Type.String(),
  digest: orNull(Type.String({ description: "The version that somebody said yes to" })),
  revision: Type.String({ description: "Names what is shown: an edit says what it edits" }),
  grantedAt: orNull(Type.String()),
  grantedBy: orNull(Type.String()),
  entries: Type.Array(Entry),
  callers: Type.Array(Type.String(), { description: "Plugins that gain what it gains" }),
});

const line = {
  through: Type.Array(Type.String(), { description: "Plugins that do it on its behalf" }),
  capability: Type.String(),
  words: Type.String(),
  terms: Type.Array(Type.String()),
};

/** All that a plugin can do now. */
export const CanShape = Type.Object({
  plugin: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  can: Type.Array(Type.Object(line)),
});

/** All plugins that can do one kind of thing now. */
export const WhoCanShape = Type.Object({
  capability: Type.String(),
  target: orNull(Type.String()),
  plugins: Type.Array(Type.Object({ plugin: Type.String(), ...line })),
});

/** A call that is over, with all that it did. */
export const ExplainShape = Type.Object({
  callId: Type.String(),
  plugin: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  tool: Type.String(),
  owner: Type.String(),
  keyId: Type.String(),
  requestId: orNull(Type.String()),
  chain: Type.Array(Type.String(), { description: "Plugins through which it came" }),
  endedAt: Type.String(),
  code: orNull(Type.String({ description: "Of the error that it ended with" })),
  decision: Type.String(),
  fuel: Type.Number(),
  wallMs: Type.Number(),
  inputBytes: Type.Number(),
  effects: Type.Array(
    Type.Object({
      at: Type.String(),
      act: Type.String(),
      capability: Type.String(),
      target: Type.String(),
      decision: Type.String(),
      allow: orNull(Type.String({ description: "The command that would allow what was denied" })),
    }),
  ),
  calls: Type.Array(Type.Unknown({ description: "Calls on its behalf, of the same form" })),
});
