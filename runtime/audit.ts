import type { AuditRecord } from "#manifests/audit.ts";
import type { HostError } from "#manifests/errors.ts";
import { type AuditEntry, parseLine } from "./audit-line.ts";
import { BlockTable } from "./audit/blocks.ts";
import type { Head } from "./audit/chain.ts";
import { type HostKey, openHostKey, type SignedHead } from "./audit/host-key.ts";
import { LiveIndex } from "./audit/index-keeper.ts";
import { forgetRows, moveRows } from "./audit/move.ts";
import { type Retention, pruneOld } from "./audit/prune.ts";
import { type AuditQuery, queryFiles } from "./audit/query.ts";
import { indexOld, type Recovered, recover } from "./audit/recover.ts";
import { createReserve, type Reserve } from "./audit/reserve.ts";
import { exportFiles, sealedHeads } from "./audit/sealed-heads.ts";
import { type OpenSegment, openSegment } from "./audit/segment-file.ts";
import { Segments } from "./audit/segments.ts";
import { type Verdict, type VerifyWish, verifyFiles } from "./audit/verify.ts";
import { Writer } from "./audit/writer.ts";
import type { Clock } from "./clock.ts";
import type { Hot } from "./store/hot.ts";

/**
 * Who did what: files of lines, each with the digest of the line before, so that none can be changed or
 * taken from the middle unseen. Finished files end with a seal that the host's key has signed.
 *
 * A record is in the ordered queue before its effect happens; `committed` is awaited before a call is
 * answered. Whoever can write to all files and read the key can also write a whole new chain: only
 * somebody who kept a head elsewhere sees that.
 */
export interface Audit extends AsyncDisposable {
  /**
   * Queues a record. That of an effect which is allowed is written on the spot: what cannot be recorded
   * does not happen.
   *
   * @throws STORAGE_FULL, AUDIT_FAILED since a record could not be written
   */
  append(entry: AuditEntry): void;
  /** Resolves when all that was appended is on the disk. @throws STORAGE_FULL, AUDIT_FAILED */
  committed(): Promise<void>;
  /** Returns the newest records that fit, in the order in which they were made. */
  query(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /** Hears every record after it was written, until disposed. */
  follow(hear: (record: AuditRecord) => void): Disposable;
  /** Checks every record. Takes seconds for a million; the host goes on meanwhile. */
  verify(wish?: VerifyWish): Promise<Verdict>;
  /** The end of the chain, and the ends of finished files, newest last, signed by the host's key. */
  heads(): Promise<{ readonly head: SignedHead; readonly sealed: readonly SignedHead[] }>;
  /** Gives every record as it stands in the files, oldest first: JSON, one a line. */
  export(): AsyncGenerator<Uint8Array>;
  /** Removes finished files that are too old or too many. Returns the number of the last record gone. */
  prune(retention: Retention): Promise<number | undefined>;
  /** What is done now and then: brings to the disk what waits, and keeps room for when there is none. */
  tend(hasRoom: boolean): Promise<void>;
  /** Why nothing is written any more; undefined while all is well. */
  readonly failure: HostError | undefined;
}

/** Where an audit is, and what it does there. */
export interface AuditOptions {
  /** Absolute path of a folder that is there. */
  readonly folder: string;
  readonly hot: Hot;
  readonly clock: Clock;
  /** Whether `committed` waits for the disk, or `tend` brings records there a second later. */
  readonly waitsForDisk?: () => boolean;
  /** Whether an exercise makes the records rather than use. */
  readonly isDrill?: boolean;
  /** Bytes of a file; 64 MiB when left out. */
  readonly segmentBytesMax?: number;
  /** Opens files; those of the disk when left out. */
  readonly open?: OpenSegment;
  /** Hears that the disk is full: room that was kept for what makes room is used up from now on. */
  readonly onFull?: () => void;
  readonly onSeal?: (head: SignedHead) => void;
  /** Hears of what an operator must know: a failure, or damage that was found. */
  readonly onTrouble?: (what: string) => void;
}

const segmentBytesMax = 64 * 1024 * 1024;

/** Opens the audit of a home, or makes it. @throws FILE_UNUSABLE, STORAGE_FULL, AUDIT_FAILED */
export async function openAudit(options: AuditOptions): Promise<Audit> {
  const { folder, hot, clock } = options;
  const key = openHostKey(folder, clock);
  const segments = new Segments(folder);
  const table = new BlockTable(hot);
  const moved = await moveRows(hot, segments, options.segmentBytesMax ?? segmentBytesMax);
  const recovered = await recover(segments, table);
  const reserve = createReserve(folder);
  const audit = new FileAudit(options, { key, segments, table, recovered, reserve });
  reserve.refill();
  for (const entry of found(recovered, moved)) audit.append(entry);
  await audit.committed();
  if (moved !== undefined) await forgetRows(hot);
  if (recovered.damage !== undefined) options.onTrouble?.(recovered.damage);
  return audit;
}

/** Records of what was found at the start. */
function found({ damage, cutBytes, head }: Recovered, moved: Head | undefined): AuditEntry[] {
  const own = (act: string, target: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
    kind: "audit",
    act,
    decision: "allowed",
    target,
    ...more,
  });
  const failed = { decision: "failed" } as const;
  return [
    ...(moved ? [own("move", `records 1 to ${moved.seq}`, { digest: moved.digest })] : []),
    ...(cutBytes > 0
      ? [own("cut", `${cutBytes} bytes that did not follow record ${head.seq}`, failed)]
      : []),
    ...(damage === undefined ? [] : [own("damage", damage, failed)]),
  ];
}

interface Parts {
  readonly key: HostKey;
  readonly segments: Segments;
  readonly table: BlockTable;
  readonly recovered: Recovered;
  readonly reserve: Reserve;
}

class FileAudit implements Audit {
  readonly #clock: Clock;
  readonly #isDrill: boolean;
  readonly #parts: Parts;
  readonly #index: LiveIndex;
  readonly #writer: Writer;
  readonly #followers = new Set<(record: AuditRecord) => void>();
  /** Settles when finished files have their rows. */
  readonly #indexed: Promise<void>;
  #isOpen = true;

  constructor(options: AuditOptions, parts: Parts) {
    const { key, segments, table, recovered, reserve } = parts;
    this.#clock = options.clock;
    this.#isDrill = options.isDrill ?? false;
    this.#parts = parts;
    this.#index = new LiveIndex(table, recovered.open);
    this.#writer = new Writer(
      {
        clock: options.clock,
        segments,
        open: options.open ?? openSegment,
        index: this.#index,
        reserve,
        segmentBytesMax: options.segmentBytesMax ?? segmentBytesMax,
        seal: (head) => sealOf(key, head),
        waitsForDisk: options.waitsForDisk ?? (() => true),
        onLine: (line) => this.#tell(line),
        onSeal: (head) => options.onSeal?.(this.#sign(head)),
        onFull: () => options.onFull?.(),
        onFailure: ({ message }) => options.onTrouble?.(message),
      },
      recovered.segment,
      recovered.head,
    );
    // A failure shows in queries that find less: the rows are made again at the next start.
    this.#indexed = indexOld(segments, table, () => this.#isOpen).catch(() => {});
  }

  get failure(): HostError | undefined {
    return this.#writer.failure;
  }

  append(made: AuditEntry): void {
    const entry = this.#isDrill ? { ...made, drill: true } : made;
    this.#writer.append(entry, entry.kind === "effect" && entry.decision === "allowed");
  }

  committed(): Promise<void> {
    return this.#writer.committed();
  }

  async query(query: AuditQuery): Promise<readonly AuditRecord[]> {
    await this.#indexed;
    this.#writer.write();
    return queryFiles({ segments: this.#parts.segments, index: this.#index }, query);
  }

  follow(hear: (record: AuditRecord) => void): Disposable {
    this.#followers.add(hear);
    return { [Symbol.dispose]: () => void this.#followers.delete(hear) };
  }

  async verify(wish: VerifyWish = {}): Promise<Verdict> {
    await this.#writer.sync();
    const { segments, key } = this.#parts;
    const evidence = { segments: segments.all, end: this.#writer.head, key: key.name };
    return verifyFiles(evidence, wish);
  }

  async heads() {
    await this.#writer.sync();
    const { segments } = this.#parts;
    return { head: this.#sign(this.#writer.head), sealed: await sealedHeads(segments.all) };
  }

  async *export(): AsyncGenerator<Uint8Array> {
    await this.#writer.sync();
    yield* exportFiles(this.#parts.segments.all);
  }

  async prune(retention: Retention): Promise<number | undefined> {
    await this.#indexed;
    const { segments, table } = this.#parts;
    const now = this.#clock.now();
    return pruneOld({ segments, table, now, record: (entry) => this.#recordNow(entry) }, retention);
  }

  async tend(hasRoom: boolean): Promise<void> {
    if (hasRoom) this.#parts.reserve.refill();
    await this.#writer.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    await this.#indexed;
    await this.#writer.sync();
    if (this.#writer.failure === undefined) this.#parts.table.head = this.#writer.head;
    this.#writer.close();
  }

  async #recordNow(entry: AuditEntry): Promise<void> {
    this.append(entry);
    await this.#writer.sync();
    if (this.#writer.failure !== undefined) throw this.#writer.failure;
  }

  #sign(head: Head): SignedHead {
    const { key } = this.#parts;
    const at = new Date(this.#clock.now()).toISOString();
    const { seq, digest } = head;
    return { seq, digest, at, key: key.name, signature: key.sign(head) };
  }

  #tell(line: string): void {
    if (this.#followers.size === 0) return;
    const record = parseLine(line);
    if (record !== null) for (const hear of this.#followers) tellOne(hear, record);
  }
}

function sealOf(key: HostKey, head: Head): AuditEntry {
  const { digest } = head;
  const decision = "allowed" as const;
  return { kind: "audit", act: "seal", decision, digest, signer: key.name, target: key.sign(head) };
}

function tellOne(hear: (record: AuditRecord) => void, record: AuditRecord): void {
  try {
    hear(record);
  } catch {
    // Whoever follows the audit has no part in what it records.
  }
}
