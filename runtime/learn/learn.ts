import assert from "node:assert/strict";
import type { AuditRecord } from "#manifests/audit.ts";
import { grantsAsked } from "#manifests/asked.ts";
import type { NetworkAsk } from "#manifests/capabilities/network.ts";
import { plainTerms } from "#manifests/capabilities/terms.ts";
import { HostError } from "#manifests/errors.ts";
import { type Grants, type GrantsText, toGrantsText } from "#manifests/grants.ts";
import { samplesOf } from "#manifests/samples.ts";
import type { Uses } from "#manifests/uses.ts";
import { kindOf, parseAddress } from "../capabilities/network/addresses.ts";
import type { Host } from "../host.ts";
import { owner } from "../keys.ts";
import { compareAsks, type LearnedAsk } from "./compare.ts";
import { type Effect, smallestGrants } from "./smallest.ts";

/** What a plugin is tried with. */
export interface LearnWish {
  /** A folder, a `.tgz` or a `.wasm` on this machine. */
  readonly path: string;
  /** What it is called with; the samples that its package ships when there are none. Untrusted. */
  readonly calls: readonly Call[];
  /** Settings of the plugin; those of its manifest when left out. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** Hears what is done now, for a progress bar. */
  readonly onStep?: (step: string) => void;
}

/** One call to learn from. */
export interface Call {
  /** May be left out when the plugin has one tool. */
  readonly tool: string | undefined;
  readonly input: unknown;
}

/** What came of it. */
export interface Learned {
  readonly plugin: string;
  readonly version: string;
  /** The smallest grants that cover what was done, for `plugin grants ID --set`. */
  readonly grants: GrantsText;
  /** Each thing that the author asks for, and how much of it was needed. */
  readonly asks: readonly LearnedAsk[];
  /** What it tried and was refused, each once: `network_fetch GET https://a.example:443/x`. */
  readonly refused: readonly string[];
  readonly calls: readonly { readonly tool: string; readonly code: string | null }[];
}

/** Records of one learning; a plugin that does more is learnt from what it did first. */
const recordsMax = 100_000;
/** What stands for a secret: whoever gets to see it sees that it is none. */
const placeholder = "placeholder-4b7fa2c96d3e81507c9a-of-convergio-learn";

/**
 * Runs a plugin's tools against a recorder and says how little it needs.
 *
 * The host is one of its own, in a home that is thrown away: nothing in service is touched, files and
 * values are an empty place of their own, secrets are placeholders. It is granted what its manifest
 * asks for, and of the network public addresses only.
 *
 * @param host  in an empty home, used for nothing else
 * @throws NOTHING_TO_CALL, CONFIG_INVALID, and whatever installing throws
 */
export async function learn(host: Host, wish: LearnWish): Promise<Learned> {
  const step = wish.onStep ?? (() => {});
  const tried: { uses?: Uses; had?: Grants; samples?: readonly Call[] } = {};
  step("install");
  const { id, version, tools } = await host.install({
    caller: owner,
    source: { kind: "path", path: wish.path },
    consent: async (_, { manifest, package: { files } }) => {
      tried.uses = manifest.uses;
      tried.samples = samplesOf(files, manifest);
      tried.had = await grantsToTry(host, manifest.uses);
      return { by: owner, grants: tried.had };
    },
  });
  const { uses, had, samples = [] } = tried;
  assert(uses && had, "an install asks for consent");
  const wanted = wish.calls.length === 0 ? samples : wish.calls;
  if (wanted.length === 0) throw new HostError("NOTHING_TO_CALL", { plugin: id });
  if (wish.config !== undefined) await host.plugins.setConfig(id, wish.config, owner);
  const calls: Learned["calls"][number][] = [];
  for (const { tool, input } of wanted) {
    const name = tool ?? tools[0]?.name ?? "";
    step(`call ${calls.length + 1} of ${wanted.length}`);
    calls.push({ tool: name, code: await codeOf(host, { plugin: id, tool: name, input }) });
  }
  const { done, refused } = await effectsOf(host, id);
  const reading = new Set(host.capabilities.filter(({ reads }) => reads).map(({ act }) => act));
  const least = smallestGrants(had, done, (act) => reading.has(act));
  const asks = compareAsks({ uses, had, least });
  return { plugin: id, version, grants: toGrantsText(least), asks, refused, calls };
}

async function grantsToTry(host: Host, uses: Uses): Promise<Grants> {
  const secrets = [];
  for (const [index, { name, inject, hosts }] of uses.secrets.entries()) {
    const secret = `learn-${index}`;
    const audience = hosts.length === 0 ? ["https://learn.invalid"] : hosts.map(originOf);
    const given = { value: placeholder, audience, wildcard: true, force: true };
    await host.secrets.set(secret, given, owner);
    const mode = inject === null ? ("reveal" as const) : ("inject" as const);
    secrets.push({ name, secret, mode, ...plainTerms("direct") });
  }
  const isTried = (ask: NetworkAsk): boolean => !isPrivate(ask.host);
  const tried = { ...uses, network: uses.network.filter(isTried) };
  return { ...grantsAsked(tried, () => null), secrets };
}

function originOf(host: string): string {
  return host.startsWith("https://") ? host : `https://${host}`;
}

/** Whether a host is this machine or its neighbours by its name alone; look-ups are the network's. */
function isPrivate(host: string): boolean {
  const address = parseAddress(host.replace(/^\[|\]$/g, ""));
  return host === "localhost" || (address !== undefined && kindOf(address) !== null);
}

/** Returns how a call failed, or null. A plugin that fails was still seen doing what it did. */
async function codeOf(
  host: Host,
  { plugin, tool, input }: { plugin: string; tool: string; input: unknown },
): Promise<string | null> {
  try {
    await host.call({
      caller: owner,
      plugin,
      tool,
      input: { json: JSON.stringify(input ?? null) },
    });
    return null;
  } catch (error) {
    return error instanceof HostError ? error.code : "INTERNAL";
  }
}

async function effectsOf(
  host: Host,
  plugin: string,
): Promise<{ done: readonly Effect[]; refused: readonly string[] }> {
  const wish = { plugin, kind: "effect", limit: recordsMax };
  const records = (await host.auditQuery(wish)) as readonly AuditRecord[];
  const told = records.map(({ capability, act, target, decision }) => ({
    ...{ capability: capability ?? "", act, target: target ?? "" },
    isAllowed: decision === "allowed",
  }));
  const refused = told.filter(({ isAllowed }) => !isAllowed);
  return {
    done: told.filter(({ isAllowed }) => isAllowed),
    refused: [...new Set(refused.map(({ act, target }) => `${act} ${target}`))],
  };
}
