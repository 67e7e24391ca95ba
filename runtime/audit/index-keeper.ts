import type { Head } from "./chain.ts";
import {
  type Batch,
  type Block,
  BlockBuilder,
  type BlockQuery,
  type BlockTable,
} from "./blocks.ts";

/**
 * The index of what is being written: what has no row yet is held here.
 *
 * A row is made only of what is on the disk, so that the files never end before what the rows say: when
 * they do, somebody has taken records off.
 */
export class LiveIndex {
  readonly #table: BlockTable;
  #waiting: Block[] = [];
  #open: BlockBuilder;

  constructor(table: BlockTable, open: BlockBuilder) {
    this.#table = table;
    this.#open = open;
  }

  add(segment: number, batch: Batch): void {
    this.#open.add(batch);
    if (this.#open.isFull) this.begin(segment, this.#open.end, batch.head);
  }

  /** Ends the open block; the next one begins where a file does, or where this one ended. */
  begin(segment: number, offset: number, head: Head): void {
    if (!this.#open.isEmpty) this.#waiting.push(this.#open.toBlock());
    this.#open = new BlockBuilder(segment, offset, head);
  }

  /** Writes the rows of what is on the disk. */
  settle(synced: number): void {
    while (true) {
      const [next] = this.#waiting;
      if (next === undefined || next.lastSeq > synced) return;
      try {
        this.#table.insert(next);
      } catch {
        return; // It waits on: without the row queries are as right as with it.
      }
      this.#waiting.shift();
    }
  }

  /** What has no row yet, newest first. */
  unsettled(): readonly Block[] {
    const open = this.#open.isEmpty ? [] : [this.#open.toBlock()];
    return [...open, ...this.#waiting.toReversed()];
  }

  before(seq: number, query: BlockQuery): ReturnType<BlockTable["before"]> {
    return this.#table.before(seq, query);
  }
}
