import type { Budget, NetworkGrant } from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import type { Asker } from "../capability.ts";
import { budgetKey, ownerOf } from "./keys.ts";
import type { NetworkLimits, Spendable } from "./limits.ts";

/** What was spent. */
export interface Spent {
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
}

/** Whose spending of a day it is: a plugin's, or without a plugin all that an owner of keys causes. */
export interface SpentKey {
  readonly plugin: string;
  readonly source: string;
  readonly signer: string;
  /** Empty where all callers share. */
  readonly owner: string;
  /** What a grant is told from others by; empty for all of a plugin. */
  readonly scope: string;
}

/** Where the spending of days is kept. */
export interface SpentStore {
  /** What was spent on a day, counted from 1970 in UTC. */
  read(key: SpentKey, day: number): Spent;
  /** Adds to it; committed soon, in order with the audit. */
  add(key: SpentKey, day: number, spent: Spent): void;
}

/** What budgets are made of. */
export interface BudgetParts {
  readonly store: SpentStore;
  /** Milliseconds since 1970, in UTC. */
  readonly now: () => number;
  readonly limits: () => Pick<NetworkLimits, "perCall" | "perDay" | "perOwnerDay">;
}

/** Counts what one request spends, in every budget that holds for it. */
export interface Meter {
  /** @throws NETWORK_BUDGET_EXHAUSTED */
  addBytes(bytes: number): void;
  addMs(ms: number): void;
  /** The time that is left, and the error for when it is over. */
  readonly msLeft: { readonly ms: number; exhausted(): HostError };
  /** Writes down what was not yet. */
  close(): void;
}

/** One budget, and what was taken from it. */
interface Purse {
  readonly bound: Budget;
  readonly spent: { requests: number; bytes: number; ms: number };
  readonly period: "call" | "day";
}

const dayMs = 86_400_000;
/** Bytes that a crash may forget of each request on its way, with the time it took. */
const unwrittenBytesMax = 1024 * 1024;
/** Days of plugins and grants that are held in memory. */
const pursesMax = 10_000;

/**
 * What plugins may spend on requests. Days are those of UTC; what a day has cost outlives the host,
 * but for the last mebibyte and the time of requests that were on their way when it crashed.
 */
export class Budgets {
  readonly #parts: BudgetParts;
  readonly #days = new Map<string, Purse["spent"]>();
  /** By the outermost call: what all calls made of it spend together goes with it. */
  readonly #calls = new WeakMap<object, Map<string, Purse["spent"]>>();

  constructor(parts: BudgetParts) {
    this.#parts = parts;
  }

  /** Takes one request from the budgets of a grant and of the host. @throws NETWORK_BUDGET_EXHAUSTED */
  begin(asker: Asker, grant: NetworkGrant): Meter {
    const scope = budgetKey(grant);
    // The same words in grants of two plugins are two grants.
    const granted = `${asker.plugin} ${scope}`;
    const owner = ownerOf(asker, grant);
    const { perCall, perDay, perOwnerDay } = this.#parts.limits();
    const day = Math.floor(this.#parts.now() / dayMs);
    const keys = [
      { ...asker.binding, owner, scope },
      { ...asker.binding, owner: "", scope: "" },
      { plugin: "", source: "", signer: "", owner: asker.owner, scope: "" },
    ];
    const [dayOfGrant, dayOfAll, dayOfOwner] = keys.map((key) => this.#day(key, day));
    const purses: Purse[] = [
      { bound: grant.perCall, spent: this.#call(asker, granted), period: "call" },
      { bound: bounded(perCall), spent: this.#call(asker, ""), period: "call" },
      { bound: grant.perDay, spent: dayOfGrant as Purse["spent"], period: "day" },
      { bound: bounded(perDay), spent: dayOfAll as Purse["spent"], period: "day" },
      { bound: bounded(perOwnerDay), spent: dayOfOwner as Purse["spent"], period: "day" },
    ];
    const { store } = this.#parts;
    const write = (spent: Spent): void => {
      for (const key of keys) store.add(key, day, spent);
    };
    return new Counting(asker.plugin, purses, write);
  }

  #call({ outermost }: Asker, scope: string): Purse["spent"] {
    const known = this.#calls.get(outermost) ?? new Map<string, Purse["spent"]>();
    this.#calls.set(outermost, known);
    const spent = known.get(scope) ?? { requests: 0, bytes: 0, ms: 0 };
    known.set(scope, spent);
    return spent;
  }

  #day(key: SpentKey, day: number): Purse["spent"] {
    const { plugin, source, signer, owner, scope } = key;
    const name = JSON.stringify([day, plugin, source, signer, owner, scope]);
    const known = this.#days.get(name);
    if (known) return known;
    // Everything is written as it is spent, so that what is let go is read again.
    if (this.#days.size >= pursesMax) this.#days.clear();
    const spent = { ...this.#parts.store.read(key, day) };
    this.#days.set(name, spent);
    return spent;
  }
}

function bounded({ requests, bytes, ms }: Spendable): Budget {
  return { requests: requests || null, bytes: bytes || null, ms: ms || null };
}

class Counting implements Meter {
  readonly #plugin: string;
  readonly #purses: readonly Purse[];
  readonly #write: (spent: Spent) => void;
  #unwritten = { requests: 0, bytes: 0, ms: 0 };

  /** @throws NETWORK_BUDGET_EXHAUSTED */
  constructor(plugin: string, purses: readonly Purse[], write: (spent: Spent) => void) {
    this.#plugin = plugin;
    this.#purses = purses;
    this.#write = write;
    for (const what of ["requests", "bytes", "ms"] as const) this.#check(what, 1);
    for (const { spent } of purses) spent.requests += 1;
    write({ requests: 1, bytes: 0, ms: 0 });
  }

  /** @throws NETWORK_BUDGET_EXHAUSTED */
  addBytes(bytes: number): void {
    for (const { spent } of this.#purses) spent.bytes += bytes;
    this.#unwritten.bytes += bytes;
    if (this.#unwritten.bytes >= unwrittenBytesMax) this.close();
    this.#check("bytes", 0);
  }

  addMs(ms: number): void {
    for (const { spent } of this.#purses) spent.ms += ms;
    this.#unwritten.ms += ms;
  }

  get msLeft(): Meter["msLeft"] {
    const left = this.#purses.map(({ bound, spent, period }) => ({
      ms: bound.ms === null ? Number.POSITIVE_INFINITY : bound.ms - spent.ms,
      exhausted: () => this.#exhausted("ms", period),
    }));
    return left.reduce((least, each) => (each.ms < least.ms ? each : least));
  }

  close(): void {
    const { bytes, ms } = this.#unwritten;
    if (bytes === 0 && ms === 0) return;
    this.#unwritten = { requests: 0, bytes: 0, ms: 0 };
    try {
      this.#write({ requests: 0, bytes, ms: Math.ceil(ms) });
    } catch (error) {
      // Whoever begins a request next is told; here nobody may be there to hear it.
      if (!(error instanceof HostError)) throw error;
    }
  }

  /** @throws NETWORK_BUDGET_EXHAUSTED */
  #check(what: keyof Spent, more: number): void {
    const empty = this.#purses.find(
      ({ bound, spent }) => spent[what] + more > (bound[what] ?? Number.POSITIVE_INFINITY),
    );
    if (empty) throw this.#exhausted(what, empty.period);
  }

  #exhausted(what: keyof Spent, period: Purse["period"]): HostError {
    const words = { requests: "requests", bytes: "bytes", ms: "waiting time" };
    const facts = { plugin: this.#plugin, what: words[what], period };
    return new HostError("NETWORK_BUDGET_EXHAUSTED", facts);
  }
}
