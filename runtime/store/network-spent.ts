import type { Hot } from "./hot.ts";

/** What requests of a plugin, or under one grant, cost on one day. */
interface Row {
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
}

/** Whose spending it is; without a scope it is all of a plugin's. */
interface Key {
  readonly plugin: string;
  readonly source: string;
  readonly signer: string;
  readonly owner: string;
  readonly scope: string;
}

/** The books of what requests cost, a day a row. */
export interface NetworkSpent {
  /** What was committed for a day, counted from 1970 in UTC. */
  read(key: Key, day: number): Row;
  /** Queues an amount, in order with all that is written on the call path. */
  add(key: Key, day: number, spent: Row): void;
}

/** Days that are kept, for those who look at what a plugin costs. */
const daysKept = 32;
const nothing: Row = { requests: 0, bytes: 0, ms: 0 };

/** Returns the books of a database. @throws nothing; writes of a failed queue are refused by the audit */
export function createNetworkSpent(hot: Hot): NetworkSpent {
  type Place = [string, string, string, string, string, number];
  const one = hot.prepare<Place, Row>(
    `SELECT requests, bytes, ms FROM networkSpent
     WHERE plugin = ? AND source = ? AND signer = ? AND owner = ? AND scope = ? AND day = ?`,
  );
  const add = hot.prepare<[...Place, number, number, number]>(
    `INSERT INTO networkSpent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
       bytes = bytes + excluded.bytes, ms = ms + excluded.ms`,
  );
  const prune = hot.prepare<[number]>("DELETE FROM networkSpent WHERE day < ?");
  const pruned = { day: 0 };
  const placeOf = ({ plugin, source, signer, owner, scope }: Key, day: number): Place => [
    ...([plugin, source, signer, owner, scope] as const),
    day,
  ];
  return {
    read: (key, day) => one.get(...placeOf(key, day)) ?? nothing,
    add(key, day, { requests, bytes, ms }) {
      hot.record(() => {
        add.run(...placeOf(key, day), requests, bytes, ms);
        if (pruned.day === day) return;
        pruned.day = day;
        prune.run(day - daysKept);
      });
    },
  };
}
