import type { Config } from "#manifests/config.ts";
import { type Audit, openAudit } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { OpenSegment } from "./audit/segment-file.ts";
import { createDenials, type Denials } from "./denials.ts";
import { createEvents, type Events } from "./events.ts";
import { deliveriesOf } from "./events/deliveries.ts";
import type { Deliver } from "./events/outbox.ts";
import type { Home } from "./home.ts";
import { createStorage, type Fullness, type Room, roomOf, type Storage } from "./storage.ts";
import type { Store } from "./store/store.ts";

/** What was done, what the operator hears of it, and the room that is left to write it down. */
export interface Books {
  readonly audit: Audit;
  readonly events: Events;
  readonly storage: Storage;
  readonly denials: Denials;
  /** What brings events to the places that the settings name. */
  readonly deliveries: readonly Deliver[];
}

/** What the books of a host are built of. */
export interface BooksParts {
  readonly home: Home;
  readonly store: Store;
  readonly clock: Clock;
  readonly config: { readonly current: Config };
  /** Reads off what the disk has left; off the disk of the home when left out. */
  readonly readRoom?: () => Promise<Room>;
  /** Opens the files of the audit; those of the disk when left out. */
  readonly openSegment?: OpenSegment;
  /** Whether the host is one for exercises. */
  readonly isDrill?: boolean | undefined;
}

/** Opens the books of a home. @throws FILE_UNUSABLE, STORAGE_FULL, AUDIT_FAILED */
export async function openBooks(parts: BooksParts, undo: AsyncDisposableStack): Promise<Books> {
  const { home, store, clock, config } = parts;
  const deliveries = await deliveriesOf(config.current.events, { home, clock });
  const events = createEvents(clock);
  const storage = createStorage({
    limits: () => config.current.storage,
    readRoom: parts.readRoom ?? roomOf(home.path),
    onChange: (fullness, room) =>
      events.emit({ kind: "disk", subject: fullness, text: diskText(fullness, room) }),
  });
  await storage.look();
  const audit = undo.use(
    await openAudit({
      ...(parts.openSegment && { open: parts.openSegment }),
      ...{ folder: home.audit, hot: store.hot, clock, isDrill: parts.isDrill ?? false },
      waitsForDisk: () => config.current.audit.sync === "answer",
      onFull: () => storage.ranFull(),
      onTrouble: (what) =>
        events.emit({ kind: "auditFailed", text: `${what}; convergio audit verify` }),
    }),
  );
  return { audit, events, storage, deliveries, denials: createDenials(audit, events, clock) };
}

function diskText(fullness: Fullness, { freeBytes }: Room): string {
  const free = `${Math.round(freeBytes / 2 ** 20)} MiB are free on the disk of the home`;
  if (fullness === "ample") return `${free}; everything goes on`;
  const stopped = fullness === "low" ? "nothing is installed" : "no call is answered";
  return `${free}; ${stopped} until there is more; convergio audit prune, convergio gc`;
}
