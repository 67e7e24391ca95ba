import type Database from "better-sqlite3";
import { HostError } from "#manifests/errors.ts";
import { toHostError } from "./database.ts";

/**
 * Writes of the call path: queued in order, and committed together at the end of each turn of the
 * event loop, because a transaction costs as much as ten rows.
 */
export interface Hot extends Disposable {
  /** Prepares a statement for writes that are given to this queue, or for reads at any time. */
  prepare<Parameters extends unknown[], Row = unknown>(
    sql: string,
  ): Database.Statement<Parameters, Row>;
  /**
   * Queues a write; it runs later, in a transaction with its neighbours, and must not throw.
   *
   * @throws STORAGE_FULL, AUDIT_FAILED since a commit failed
   */
  record(write: () => void): void;
  /** Queues a write and returns what it returned, once that is committed. */
  run<Result>(write: () => Result): Promise<Result>;
  /**
   * Resolves when everything that was recorded so far is committed.
   *
   * @throws STORAGE_FULL, AUDIT_FAILED
   */
  flushed(): Promise<void>;
  /** Why nothing is written any more; undefined while all is well. */
  readonly failure: HostError | undefined;
}

/**
 * Returns the queue of one connection, which it closes when it is disposed.
 *
 * After the first commit that fails every later write is refused: what was not written was promised
 * to nobody, but its effects may have happened, and more must not follow.
 */
export function createHot(database: Database.Database): Hot {
  return new HotQueue(database);
}

class HotQueue implements Hot {
  readonly #database: Database.Database;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  #queue: (() => void)[] = [];
  /** Made when somebody waits: a rejection that nobody hears would end the process. */
  #waiting: PromiseWithResolvers<void> | undefined;
  #failure: HostError | undefined;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
  }

  get failure(): HostError | undefined {
    return this.#failure;
  }

  prepare<Parameters extends unknown[], Row>(sql: string): Database.Statement<Parameters, Row> {
    return this.#database.prepare<Parameters, Row>(sql) as Database.Statement<Parameters, Row>;
  }

  record(write: () => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#queue.push(write) === 1) setImmediate(() => this.#flush());
  }

  async run<Result>(write: () => Result): Promise<Result> {
    const done: { result?: Result } = {};
    this.record(() => {
      done.result = write();
    });
    await this.flushed();
    return done.result as Result;
  }

  flushed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#queue.length === 0) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  #flush(): void {
    const queue = this.#queue;
    const waiting = this.#waiting;
    this.#queue = [];
    this.#waiting = undefined;
    if (queue.length === 0) return;
    try {
      this.#begin.run();
      for (const write of queue) write();
      this.#commit.run();
      waiting?.resolve();
    } catch (cause) {
      this.#failure = toFailure(cause);
      waiting?.reject(this.#failure);
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
    }
  }

  [Symbol.dispose](): void {
    this.#flush();
    this.#database.close();
  }
}

function toFailure(cause: unknown): HostError {
  const failure = toHostError(cause);
  const isFull = failure instanceof HostError && failure.code === "STORAGE_FULL";
  return isFull ? failure : new HostError("AUDIT_FAILED", {}, { cause });
}
