import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Audit, type AuditOptions, openAudit } from "#runtime/audit.ts";
import type { Clock } from "#runtime/clock.ts";
import type { Store } from "#runtime/store/store.ts";
import { fakeClock } from "./clock.ts";
import { temporaryFolder } from "./home.ts";
import { storeIn } from "./store.ts";

/** An audit of a test's own in a folder that goes with it. */
export interface AuditBench extends AsyncDisposable {
  readonly audit: Audit;
  /** Folder of the database; the files of the audit lie in `audit` below it. */
  readonly folder: string;
  /** Closes the audit and its database and opens them again, as a restart does. */
  again(): Promise<AuditBench>;
  /** Closes both and leaves the files as they are. */
  close(): Promise<void>;
}

/** How a test's audit differs from that of a host. */
export type AuditBenchOptions = Partial<AuditOptions>;

/** Opens the audit in a folder with a database, as a host does with its home. */
export async function auditIn(
  folder: string,
  store: Store,
  clock: Clock,
  options: AuditBenchOptions = {},
): Promise<Audit> {
  const files = join(folder, "audit");
  await mkdir(files, { recursive: true });
  return openAudit({ folder: files, hot: store.hot, clock, ...options });
}

/** Makes a folder with a database and an audit. */
export async function auditBench(options: AuditBenchOptions = {}): Promise<AuditBench> {
  const home = await temporaryFolder();
  return benchIn(home.path, options, async () => home[Symbol.asyncDispose]());
}

async function benchIn(
  folder: string,
  options: AuditBenchOptions,
  remove: () => Promise<void>,
): Promise<AuditBench> {
  const clock = options.clock ?? fakeClock();
  const store = await storeIn(folder, clock);
  const state = { isOpen: true };
  const audit = await auditIn(folder, store, clock, options);
  const close = async (): Promise<void> => {
    if (!state.isOpen) return;
    state.isOpen = false;
    await audit[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  };
  return {
    audit,
    folder,
    close,
    async again() {
      await close();
      return benchIn(folder, options, remove);
    },
    async [Symbol.asyncDispose]() {
      await close();
      await remove();
    },
  };
}
