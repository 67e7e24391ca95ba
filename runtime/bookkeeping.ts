import type { HostEvent } from "#manifests/events.ts";
import type { Parts } from "./assemble.ts";
import { headSender } from "./audit/heads-out.ts";
import { openOutbox } from "./events/outbox.ts";
import { prune } from "./books-view.ts";

/** How often records that nobody waits for are brought to the disk. */
const tendMs = 1_000;
/** How often it is looked how full the disk is, and told what was counted. */
const lookMs = 5_000;
/** How often it is looked whether old records go, and what ends soon. */
const pruneMs = 3_600_000;

const dayMs = 86_400_000;
/** How long before its end something is told of, once a day. */
const expiringMs = 14 * dayMs;

/** Does for the books what must be done now and then, until it is disposed. */
export async function keepBooks(parts: Parts): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  for (const deliver of parts.deliveries) {
    const onLost = ({ id, kind }: HostEvent, err: unknown): void =>
      parts.log.error({ err, event: id, kind }, "an event did not arrive");
    undo.use(openOutbox({ events: parts.events, deliver, onLost }));
  }
  const { audit, storage, events, denials } = parts;
  undo.defer(() => denials.sweep(true));
  every(undo, tendMs, () => audit.tend(storage.fullness === "ample"));
  every(undo, lookMs, async () => {
    await storage.look();
    events.sweep();
    denials.sweep();
  });
  const told = new Map<string, number>();
  every(undo, pruneMs, async () => {
    tellExpiring(parts, told);
    await prune(parts, parts.config.current.audit);
  });
  tellExpiring(parts, told);
  sendHeads(parts, undo);
  return undo.move();
}

function every(undo: AsyncDisposableStack, ms: number, act: () => Promise<void>): void {
  // A failure is told by health, and everything is tried again.
  const timer = setInterval(() => void act().catch(() => {}), ms);
  timer.unref();
  undo.defer(() => clearInterval(timer));
}

/** Sends the end of the audit when there is more of it, at the end of each file, and at the end of all. */
function sendHeads({ audit, config, log, events }: Parts, undo: AsyncDisposableStack): void {
  const send = headSender(config.current.audit.heads);
  if (send === undefined) return;
  const state = { seq: 0, last: Promise.resolve() };
  const abort = new AbortController();
  const sendNow = async (): Promise<void> => {
    const { head, sealed } = await audit.heads();
    const fresh = [...sealed.filter(({ seq }) => seq > state.seq), head];
    if (head.seq === state.seq) return;
    // The first time what was sealed before is somebody's already, or too late to matter.
    for (const one of state.seq === 0 ? [head] : fresh) await send(one, abort.signal);
    state.seq = head.seq;
  };
  const sendSafely = (): Promise<void> => {
    state.last = state.last.then(sendNow).catch((err: unknown) => {
      log.error({ err }, "the end of the audit was not sent");
      const text = "the end of the audit could not be sent to where audit.heads says";
      events.emit({ kind: "auditFailed", subject: "heads", text });
    });
    return state.last;
  };
  void sendSafely();
  every(undo, config.current.audit.headsEveryMs, sendSafely);
  undo.defer(sendSafely);
}

/** Tells once a day of keys and grants that end within 14 days. */
function tellExpiring({ keys, shelf, clock, events }: Parts, told: Map<string, number>): void {
  const now = clock.now();
  const tell = (subject: string, end: string | null | undefined, plugin?: string): void => {
    const leftMs = Date.parse(end ?? "") - now;
    if (!(leftMs > 0 && leftMs <= expiringMs)) return;
    const name = `${plugin} ${subject}`;
    if (now - (told.get(name) ?? 0) < dayMs) return;
    told.set(name, now);
    const text = `${subject} ends at ${end}`;
    events.emit({ kind: "expiring", subject, text, ...(plugin !== undefined && { plugin }) });
  };
  for (const { id, expiresAt, revokedAt } of keys.list())
    if (revokedAt === null) tell(`key ${id}`, expiresAt);
  for (const { plugin, grants } of shelf.all())
    for (const [capability, end] of endsIn(grants?.grants))
      tell(`a grant of ${capability}`, end, plugin.id);
  for (const [name, at] of told) if (now - at > dayMs) told.delete(name);
}

/** Every end that stands in grants, with the capability that it is of. */
function endsIn(grants: object | undefined): [capability: string, end: string][] {
  return Object.entries(grants ?? {}).flatMap(([capability, held]) =>
    [held].flat().flatMap((grant: unknown) => {
      const { expires } = Object(grant) as { readonly expires?: unknown };
      return typeof expires === "string" ? [[capability, expires] as [string, string]] : [];
    }),
  );
}
