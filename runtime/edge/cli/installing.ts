import { HostError } from "#manifests/errors.ts";
import type { Waiting } from "../../consent/waiting.ts";
import type { PluginView } from "../../host.ts";
import { untrustedName } from "../../untrusted.ts";
import { ask, askJson, problemOf } from "./ask.ts";
import { type Door, ProblemError, type Send } from "./door.ts";
import { eventsOf } from "./events.ts";
import { bytesShort } from "./readable.ts";
import type { Progress } from "./terminal.ts";
import type { World } from "./world.ts";

/** What an install came to; untrusted. */
export type Outcome =
  | { readonly kind: "installed"; readonly plugin: PluginView }
  | ({ readonly kind: "waiting" } & Waiting)
  | { readonly kind: "declined" };

/** What is sent, and what it is called while it takes its time. */
export interface Errand {
  readonly method: "POST" | "PUT";
  readonly path: string;
  readonly send: Send;
  readonly title: string;
}

interface StepEvent {
  readonly step: string;
  readonly number: number;
  readonly of: number;
}

/**
 * Sends a package or an answer and shows each step of the install as it comes.
 *
 * @throws ANSWER_INVALID, and ProblemError when the host refused
 */
export async function followInstall(world: World, door: Door, errand: Errand): Promise<Outcome> {
  const progress = world.terminal.progress(errand.title);
  const total = errand.send.bytes?.byteLength ?? 0;
  const onSent = (bytes: number): void =>
    progress.say(`sent ${bytesShort(bytes)} of ${bytesShort(total)}`);
  const accept = "text/event-stream";
  const send = { ...errand.send, accept, ...(total > 0 && { onSent }) };
  try {
    const answer = await ask(door, errand.method, errand.path, send);
    const type = answer.headers["content-type"] ?? "";
    if (type.startsWith("text/event-stream")) return await outcomeOf(door, answer.body, progress);
  } finally {
    progress.end();
  }
  const reason = "it does not tell the steps of an install";
  throw new HostError("ANSWER_INVALID", { where: door.where, reason });
}

async function outcomeOf(
  door: Door,
  body: AsyncIterable<Uint8Array>,
  progress: Progress,
): Promise<Outcome> {
  for await (const { event, data } of eventsOf(body)) {
    if (event === "error") throw new ProblemError(problemOf({ status: 500 }, Buffer.from(data)));
    if (event === "installed") return { kind: "installed", plugin: JSON.parse(data) as PluginView };
    if (event === "waiting") return { kind: "waiting", ...(JSON.parse(data) as Waiting) };
    if (event === "declined") return { kind: "declined" };
    if (event === "step") {
      const { step, number, of } = JSON.parse(data) as StepEvent;
      progress.at(untrustedName(step), number, of);
    }
  }
  const reason = "it ended before the install did";
  throw new HostError("ANSWER_INVALID", { where: door.where, reason });
}

/** Says no to what waits. */
export async function decline(door: Door, { request, consentId }: Waiting): Promise<void> {
  await askJson(door, "PUT", `/requests/${request}`, { json: { consentId, accept: false } });
}

/** Returns what is printed when a plugin was installed. */
export function installedText({ terminal }: World, plugin: PluginView): string {
  const id = untrustedName(plugin.id);
  const version = untrustedName(plugin.version);
  const first = plugin.tools[0]?.name ?? "";
  return [
    `${terminal.paint("green", "installed")} ${id} ${version} (${untrustedName(plugin.signer)})`,
    `call it:   convergio plugin invoke ${id} ${untrustedName(first)} ...`,
  ].join("\n");
}
