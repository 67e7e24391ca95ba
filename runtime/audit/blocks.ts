import type { Hot } from "../store/hot.ts";
import type { Head } from "./chain.ts";
import type { Stretch } from "./lines.ts";
import { mayHold, type Terms, TermSet } from "./terms.ts";

/** A stretch of a file with what its records speak of. */
export interface Block extends Stretch {
  /** Number of the first record of its file. */
  readonly segment: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Digest of its last line. */
  readonly digest: string;
  /** Earliest and latest time of its records; they mostly stand in order, but clocks are set. */
  readonly fromMs: number;
  readonly toMs: number;
  /** @see TermSet */
  readonly terms: Uint8Array;
}

/** Records that were written together. */
export interface Batch {
  readonly records: readonly (Terms & { readonly atMs: number })[];
  readonly bytes: number;
  /** Of the last of them. */
  readonly head: Head;
}

/** Bytes of a file that share one row: what a query reads at least, and looks through in a millisecond. */
export const blockBytesMax = 256 * 1024;
/** Rows that a query looks at in one turn of the event loop. */
const rowsMax = 256;

/** Collects the records of one stretch. */
export class BlockBuilder {
  readonly #terms = new TermSet();
  readonly #segment: number;
  readonly #offset: number;
  readonly #firstSeq: number;
  #bytes = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = 0;
  #head: Head;

  constructor(segment: number, offset: number, head: Head) {
    this.#segment = segment;
    this.#offset = offset;
    this.#head = head;
    this.#firstSeq = head.seq + 1;
  }

  get isFull(): boolean {
    return this.#bytes >= blockBytesMax;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Where the next stretch begins. */
  get end(): number {
    return this.#offset + this.#bytes;
  }

  add({ records, bytes, head }: Batch): void {
    for (const record of records) {
      this.#terms.add(record);
      this.#fromMs = Math.min(this.#fromMs, record.atMs);
      this.#toMs = Math.max(this.#toMs, record.atMs);
    }
    this.#bytes += bytes;
    this.#head = head;
  }

  toBlock(): Block {
    return {
      segment: this.#segment,
      offset: this.#offset,
      bytes: this.#bytes,
      firstSeq: this.#firstSeq,
      lastSeq: this.#head.seq,
      digest: this.#head.digest,
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      terms: this.#terms.toFilter(),
    };
  }
}

/** Which blocks somebody wants to read. */
export interface BlockQuery extends Terms {
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
}

/** The rows that say where records lie; everything in them can be made anew from the files. */
export class BlockTable {
  readonly #insert;
  readonly #before;
  readonly #ofSegment;
  readonly #drop;
  readonly #readHead;
  readonly #writeHead;

  constructor(hot: Hot) {
    this.#insert = hot.prepare<[Block]>(
      "INSERT OR REPLACE INTO auditBlocks (firstSeq, lastSeq, segment, offset, bytes, digest, " +
        "fromMs, toMs, terms) VALUES (@firstSeq, @lastSeq, @segment, @offset, @bytes, @digest, " +
        "@fromMs, @toMs, @terms)",
    );
    this.#before = hot.prepare<[number, number, number, number], Block>(
      "SELECT * FROM auditBlocks WHERE firstSeq < ? AND toMs >= ? AND fromMs <= ? " +
        "ORDER BY firstSeq DESC LIMIT ?",
    );
    this.#ofSegment = hot.prepare<[number], Block>(
      "SELECT * FROM auditBlocks WHERE segment = ? ORDER BY offset",
    );
    this.#drop = hot.prepare<[number]>("DELETE FROM auditBlocks WHERE segment = ?");
    this.#readHead = hot.prepare<[], { value: string }>(
      "SELECT value FROM meta WHERE key = 'auditHead'",
    );
    this.#writeHead = hot.prepare<[string]>(
      "INSERT OR REPLACE INTO meta (key, value) VALUES ('auditHead', ?)",
    );
  }

  insert(block: Block): void {
    this.#insert.run(block);
  }

  /** Forgets a file. */
  drop(segment: number): void {
    this.#drop.run(segment);
  }

  /** The blocks of a file from its beginning up to the first gap. */
  of(segment: number): readonly Block[] {
    const rows = this.#ofSegment.all(segment);
    const ends = rows.map(({ offset, bytes }) => offset + bytes);
    const gap = rows.findIndex(({ offset }, index) => offset !== (ends[index - 1] ?? 0));
    return gap < 0 ? rows : rows.slice(0, gap);
  }

  /** Some blocks before a record that may hold what is wanted, newest first, and where to go on. */
  before(seq: number, query: BlockQuery): { blocks: readonly Block[]; next: number | undefined } {
    const { since = 0, until = Number.MAX_SAFE_INTEGER } = query;
    const rows = this.#before.all(seq, since, until, rowsMax);
    const next = rows.length < rowsMax ? undefined : rows.at(-1)?.firstSeq;
    return { blocks: rows.filter(({ terms }) => mayHold(terms, query)), next };
  }

  /** The end of the chain when somebody last wrote it down; it was on the disk by then. */
  get head(): Head | undefined {
    const row = this.#readHead.get();
    return row === undefined ? undefined : JSON.parse(row.value);
  }

  set head(head: Head) {
    this.#writeHead.run(JSON.stringify({ seq: head.seq, digest: head.digest }));
  }
}
