import type { AuditRecord } from "#manifests/audit.ts";
import { HostError } from "#manifests/errors.ts";
import { covers } from "#manifests/keys.ts";
import { quote } from "#manifests/quote.ts";
import { usesNothing } from "#manifests/uses.ts";
import type { Audit } from "../audit.ts";
import type { Installed, Shelf } from "../installed.ts";
import type { Caller } from "../keys.ts";
import { allowWords } from "./allow.ts";

/** One thing that a guest asked for, as it stands in the audit. */
export interface EffectView {
  readonly at: string;
  readonly act: string;
  readonly capability: string;
  /** Untrusted. */
  readonly target: string;
  readonly decision: string;
  /** Of a denial: the command that would allow it, or why there is none. */
  readonly allow: string | null;
}

/** A call that is over, with all that it did. */
export interface ExplainView {
  readonly callId: string;
  readonly plugin: string;
  readonly version: string;
  readonly digest: string;
  readonly tool: string;
  readonly owner: string;
  readonly keyId: string;
  readonly requestId: string | null;
  /** Ids of the plugins through which it came. */
  readonly chain: readonly string[];
  readonly endedAt: string;
  /** Code of the error that it ended with; null when it was answered. */
  readonly code: string | null;
  readonly decision: string;
  readonly fuel: number;
  readonly wallMs: number;
  readonly inputBytes: number;
  readonly effects: readonly EffectView[];
  /** Calls that were made on its behalf. */
  readonly calls: readonly ExplainView[];
}

/** What explaining needs of the host. */
export interface ExplainParts {
  readonly audit: Pick<Audit, "query">;
  readonly shelf: Shelf;
}

/** Records read for one call; whoever needs more asks the audit. */
const effectsMax = 1_000;
/** Records looked through for calls made on behalf of one. */
const callsMax = 1_000;
const depthMax = 8;
/** How much longer than it ran a call may have waited for its turn, in milliseconds. */
const waitMsMax = 60_000;

/**
 * Returns a call that is over, the calls made on its behalf, every effect of theirs and what would allow
 * those that were denied.
 *
 * @param callId  untrusted
 * @throws CALL_UNRECORDED when there is none, or it is another's and the caller may not see it
 */
export async function explain(
  parts: ExplainParts,
  callId: string,
  by: Caller,
): Promise<ExplainView> {
  const [found] = await parts.audit.query({ kind: "call", callId, limit: 1 });
  const maySee = found !== undefined && (covers(by.scopes, "logs") || found.keyId === by.id);
  if (!maySee) throw new HostError("CALL_UNRECORDED", { call: quote(callId) });
  const family = await familyOf(parts, found);
  return viewOf(parts, found, family, depthMax);
}

/** Returns the calls that one request led to: they have its number. */
async function familyOf({ audit }: ExplainParts, of: AuditRecord): Promise<readonly AuditRecord[]> {
  const { requestId, owner } = of;
  if (requestId === null || owner === null) return [];
  const until = Date.parse(of.at);
  const since = until - of.wallMs - waitMsMax;
  const records = await audit.query({ kind: "call", owner, since, until, limit: callsMax });
  return records.filter((each) => each.requestId === requestId);
}

async function viewOf(
  parts: ExplainParts,
  record: AuditRecord,
  family: readonly AuditRecord[],
  depth: number,
): Promise<ExplainView> {
  const { callId, plugin, requestId, chain, code, decision, fuel, wallMs } = record;
  const below = [...chain, plugin ?? ""];
  const children = family.filter((each) => isSame(each.chain, below));
  const calls = depth === 0 ? [] : children;
  return {
    ...{ callId: callId ?? "", plugin: plugin ?? "", requestId, chain, code, decision },
    ...{ version: record.version ?? "", digest: record.digest ?? "", tool: record.tool ?? "" },
    ...{ owner: record.owner ?? "", keyId: record.keyId ?? "", endedAt: record.at },
    ...{ fuel, wallMs, inputBytes: record.bytes },
    effects: await effectsOf(parts, record),
    calls: await Promise.all(calls.map((each) => viewOf(parts, each, family, depth - 1))),
  };
}

async function effectsOf(
  { audit, shelf }: ExplainParts,
  call: AuditRecord,
): Promise<readonly EffectView[]> {
  const { callId, plugin, tool, digest, chain } = call;
  if (callId === null || plugin === null) return [];
  const records = await audit.query({ kind: "effect", callId, limit: effectsMax });
  const installed = shelf.find(plugin);
  const version = installed?.versions.find((each) => each.digest === digest);
  const uses = version?.manifest.uses ?? usesNothing;
  const readOnly = isReadOnly(installed, digest, tool);
  return records.map(({ at, act, capability, target, decision }) => {
    const denied = { plugin, capability: capability ?? "", target: target ?? "" };
    const allow = decision === "denied" ? allowWords(uses, denied, { chain, readOnly }) : null;
    return { at, act, capability: denied.capability, target: denied.target, decision, allow };
  });
}

function isReadOnly(
  installed: Installed | undefined,
  digest: string | null,
  name: string | null,
): boolean {
  const version = installed?.versions.find((each) => each.digest === digest);
  const tool = version?.manifest.provides.tools.find((each) => each.name === name);
  return tool?.annotations.readOnly === true;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
