import { type Grants, nothingGranted } from "#manifests/grants.ts";
import { parsePluginId } from "#manifests/names.ts";
import { usesNothing } from "#manifests/uses.ts";
import type { Asker, Guarded, GuardPorts, Message } from "#runtime/capabilities/capability.ts";

/** A plugin that asks on behalf of a call, with what it was granted. */
export function askerWith(grants: Partial<Grants> = {}, own: Partial<Asker> = {}): Asker {
  const plugin = parsePluginId("acme/weather");
  return {
    plugin,
    binding: { plugin, source: "local", signer: "unsigned" },
    uses: usesNothing,
    callId: "c1",
    outermost: {},
    owner: "ada",
    chain: [],
    readOnly: false,
    signal: new AbortController().signal,
    deadlineAt: Number.POSITIVE_INFINITY,
    grants: () => ({ ...nothingGranted, ...grants }),
    ...own,
  };
}

/** What a guest gets for a question: the value behind `ok`, or the code of the error. */
export interface Told {
  readonly ok?: unknown;
  readonly code?: string;
  readonly message?: string;
  readonly blocks: readonly Uint8Array[];
}

/** Asks a guarded function as a guest would; the request is JSON text, or a value. */
export async function ask(
  guarded: Guarded,
  asker: Asker,
  request: unknown,
  blocks: Message["blocks"] = [],
): Promise<Told> {
  const text = typeof request === "string" ? request : JSON.stringify(request);
  const answer = await guarded(asker, { json: Buffer.from(text), blocks });
  const { ok, error } = JSON.parse(Buffer.from(answer.json).toString());
  return error === undefined ? { ok, blocks: answer.blocks } : { ...error, blocks: answer.blocks };
}

/** What surrounds a guarded function in tests: decisions go to `record`, uses are not counted. */
export function portsWith(record: GuardPorts["record"] = () => {}): GuardPorts {
  return { record, use: async () => {} };
}
