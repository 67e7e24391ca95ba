import { HostError } from "#manifests/errors.ts";
import { type AuditEntry, lineDigest, lineOf } from "../audit-line.ts";
import type { Clock } from "../clock.ts";
import type { Head } from "./chain.ts";
import type { LiveIndex } from "./index-keeper.ts";
import type { Reserve } from "./reserve.ts";
import type { OpenSegment, SegmentFile } from "./segment-file.ts";
import type { Segment, Segments } from "./segments.ts";

/** What a writer works with. */
export interface WriterParts {
  readonly clock: Clock;
  readonly segments: Segments;
  readonly open: OpenSegment;
  readonly index: LiveIndex;
  readonly reserve: Reserve;
  /** Bytes at which a file is sealed and the next one begins. */
  readonly segmentBytesMax: number;
  /** Makes the record that seals a file whose last record is this. */
  readonly seal: (head: Head) => AuditEntry;
  /** Whether `committed` waits for the disk; read anew each time. */
  readonly waitsForDisk: () => boolean;
  /** Hears each line after it was written. */
  readonly onLine: (line: string) => void;
  readonly onSeal: (head: Head) => void;
  /** Hears that the disk is full and the reserve is spent. */
  readonly onFull: () => void;
  readonly onFailure: (failure: HostError) => void;
}

/** How long a trip to the disk waits for others to share it, while they keep coming. */
const gatherMs = 2;

interface Pending {
  readonly entry: AuditEntry;
  readonly atMs: number;
}

/**
 * Writes the records of one host: queued in order, written together at the end of each turn of the event
 * loop, and brought to the disk for all who wait together.
 *
 * After the first failure everything is refused: what was not written was promised to nobody, but its
 * effects may have happened, and more must not follow. A disk that has refused to keep bytes once is
 * not asked again, since it may say yes and have lost them.
 *
 * @see https://wiki.postgresql.org/wiki/Fsync_Errors
 */
export class Writer {
  readonly #parts: WriterParts;
  #segment: Segment;
  #file: SegmentFile;
  /** Sealed files that are not known to be on the disk. */
  #sealed: SegmentFile[] = [];
  #pending: Pending[] = [];
  #head: Head;
  /** Number of the last record that is on the disk. */
  #synced: number;
  /** Records that were queued, and how many had been at the end of the last turn. */
  #appended = 0;
  #seen = 0;
  #isScheduled = false;
  #isSyncing = false;
  /** Whether the next trip goes to the disk although `committed` does not wait for it. */
  #mustReach = false;
  /** Made when somebody waits: a rejection that nobody hears would end the process. */
  #waiting: PromiseWithResolvers<void> | undefined;
  #waitingSince = 0;
  /** For whom it was looked already whether others come. */
  #lookedFor: PromiseWithResolvers<void> | undefined;
  #failure: HostError | undefined;

  constructor(parts: WriterParts, segment: Segment, head: Head) {
    this.#parts = parts;
    this.#segment = segment;
    this.#file = parts.open(segment.path);
    this.#head = head;
    this.#synced = head.seq;
  }

  /** Why nothing is written any more; undefined while all is well. */
  get failure(): HostError | undefined {
    return this.#failure;
  }

  /** The end of what was written. */
  get head(): Head {
    return this.#head;
  }

  /**
   * Queues a record, or writes it on the spot with all before it.
   *
   * @throws STORAGE_FULL, AUDIT_FAILED
   */
  append(entry: AuditEntry, isUrgent: boolean): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#appended++;
    this.#pending.push({ entry, atMs: this.#parts.clock.now() });
    if (isUrgent) this.write();
    else this.#schedule();
    // It may have come just now.
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when all that was queued is on the disk. @throws STORAGE_FULL, AUDIT_FAILED */
  committed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const isThere = this.#synced === this.#head.seq || !this.#parts.waitsForDisk();
    if (this.#pending.length === 0 && isThere) return Promise.resolve();
    return this.#wait();
  }

  /** Writes all that is queued; the system has it then, the disk not yet. */
  write(): void {
    if (this.#pending.length === 0 || this.#failure !== undefined) return;
    const pending = this.#pending;
    this.#pending = [];
    try {
      if (this.#file.size >= this.#parts.segmentBytesMax) this.#roll();
      this.#put(pending);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Brings all that was queued to the disk, also where `committed` does not wait for it. */
  async sync(): Promise<void> {
    const isThere = this.#pending.length === 0 && this.#synced === this.#head.seq;
    if (this.#failure !== undefined || isThere) return;
    this.#mustReach = true;
    await this.#wait().catch(() => {}); // Told by `failure`.
  }

  close(): void {
    for (const file of this.#sealed) file.close();
    this.#file.close();
  }

  #wait(): Promise<void> {
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      this.#waitingSince = this.#parts.clock.monotonic();
    }
    this.#schedule();
    return this.#waiting.promise;
  }

  #schedule(isBusy = false): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const turn = (): void => {
      this.#isScheduled = false;
      this.#turn();
    };
    // A loop that is asked to come back at once takes in less each time, which costs more.
    if (isBusy) setTimeout(turn, 1);
    else setImmediate(turn);
  }

  /**
   * Decides at the end of a turn of the event loop what is to be done now.
   *
   * While a trip to the disk is under way a write would wait for it, and everything else for that. And
   * a trip costs as much as three calls: it waits a little while more of them come to share it.
   */
  #turn(): void {
    if (this.#isSyncing) return;
    const goes = this.#mustReach || this.#parts.waitsForDisk();
    if (this.#waiting === undefined || !goes) {
      this.write();
      this.#waiting?.resolve();
      this.#waiting = undefined;
      return;
    }
    const isQuiet = this.#appended === this.#seen;
    const isFirstLook = this.#lookedFor !== this.#waiting;
    this.#seen = this.#appended;
    this.#lookedFor = this.#waiting;
    const waitedMs = this.#parts.clock.monotonic() - this.#waitingSince;
    if (isQuiet || waitedMs >= gatherMs) void this.#trip();
    else this.#schedule(!isFirstLook);
  }

  /** Brings to the disk what all who wait have queued. */
  async #trip(): Promise<void> {
    this.#isSyncing = true;
    this.write();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    try {
      if (this.#failure === undefined) await this.#reachDisk();
      waiting?.resolve();
    } catch (cause) {
      this.#fail(cause);
      waiting?.reject(this.#failure);
    }
    this.#isSyncing = false;
    if (this.#waiting !== undefined || this.#pending.length > 0) this.#schedule();
  }

  async #reachDisk(): Promise<void> {
    this.#mustReach = false;
    const { seq } = this.#head;
    const file = this.#file;
    const sealed = this.#sealed.slice();
    for (const old of sealed) await old.sync();
    if (sealed.length > 0) await this.#parts.segments.sync();
    await file.sync();
    this.#sealed = this.#sealed.filter((old) => !sealed.includes(old));
    for (const old of sealed) old.close();
    this.#synced = seq;
    this.#parts.index.settle(seq);
  }

  /** Seals the file and begins the next one. */
  #roll(): void {
    const { segments, open, index, seal, clock, onSeal } = this.#parts;
    const sealed = this.#head;
    this.#put([{ entry: seal(sealed), atMs: clock.now() }]);
    this.#sealed.push(this.#file);
    this.#segment = segments.begin(this.#head.seq + 1);
    this.#file = open(this.#segment.path);
    index.begin(this.#segment.first, 0, this.#head);
    onSeal(sealed);
  }

  #put(pending: readonly Pending[]): void {
    const { lines, head } = render(pending, this.#head);
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    this.#append(bytes);
    this.#head = head;
    const records = pending.map(({ entry, atMs }) => ({
      kind: entry.kind,
      plugin: entry.plugin ?? null,
      owner: entry.owner ?? null,
      decision: entry.decision,
      callId: entry.callId ?? null,
      atMs,
    }));
    this.#parts.index.add(this.#segment.first, { records, bytes: bytes.length, head });
    for (const line of lines) this.#parts.onLine(line);
  }

  /** All or nothing; on a full disk a second time, in the room that was kept for it. */
  #append(bytes: Uint8Array): void {
    const { size } = this.#file;
    try {
      this.#file.append(bytes);
    } catch (cause) {
      this.#file.cut(size);
      if (!isFull(cause) || !this.#parts.reserve.spend()) throw cause;
      this.#parts.onFull();
      this.#appendAgain(bytes, size);
    }
  }

  #appendAgain(bytes: Uint8Array, size: number): void {
    try {
      this.#file.append(bytes);
    } catch (cause) {
      this.#file.cut(size);
      throw cause;
    }
  }

  #fail(cause: unknown): void {
    this.#failure ??= isFull(cause)
      ? new HostError("STORAGE_FULL", {}, { cause })
      : new HostError("AUDIT_FAILED", {}, { cause });
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
    this.#parts.onFailure(this.#failure);
  }
}

function isFull(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | null)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
}

function render(
  pending: readonly Pending[],
  { seq: before, digest: previous }: Head,
): { lines: readonly string[]; head: Head } {
  let [seq, digest] = [before, previous];
  let time = { ms: Number.NaN, text: "" };
  const lines = pending.map(({ entry, atMs }) => {
    seq++;
    if (atMs !== time.ms) time = { ms: atMs, text: new Date(atMs).toISOString() };
    const line = lineOf(entry, { seq, at: time.text, previous: digest });
    digest = lineDigest(line);
    return line;
  });
  return { lines, head: { seq, digest } };
}
