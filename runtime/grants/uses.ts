import { hash } from "node:crypto";
import type { Terms } from "#manifests/capabilities/terms.ts";
import { HostError } from "#manifests/errors.ts";
import type { Binding, BoundGrants } from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import { predecessorOf } from "#manifests/within.ts";
import type { GrantBooks, GrantUse } from "../store/grants.ts";
import { eachOf } from "./narrow.ts";

/** Whose grant it is, and since when. */
export interface Given extends Binding {
  readonly grantedAt: string;
}

/** How often one grant was used; the same for all copies of it. */
interface Count {
  readonly plugin: PluginId;
  used: number;
  /** Names under which it is on disk: two while an edit replaces the grant. */
  keys: readonly string[];
  /** Counts of grants that replaced each other, itself among them: a use of one is a use of all. */
  kin?: Set<Count>;
}

/** A grant that replaces another one, or none. */
export interface Successor {
  readonly capability: string;
  readonly grant: Terms;
  readonly from: Terms | undefined;
}

/** Counts that go together: calls of a version seldom last through so many updates of it. */
const kinMax = 16;

/**
 * Counts the uses of grants that are given for a number of them. A use is counted in memory before
 * its effect, so that calls side by side never have more than there are, and queued for the disk.
 */
export class Uses {
  readonly #books: GrantBooks;
  readonly #counts: Map<string, Count>;
  readonly #byGrant = new WeakMap<Terms, Count>();
  /** Goes up whenever a grant was used for the last time. */
  epoch = 0;

  constructor(books: GrantBooks, used: readonly GrantUse[]) {
    this.#books = books;
    this.#counts = new Map(used.map((use) => [use.grant, { ...use, keys: [use.grant] }] as const));
  }

  /** Returns whether something is left of a grant, and knows it from then on. */
  holds(capability: string, grant: Terms, given: Given): boolean {
    return grant.uses === null || this.#countOf(capability, grant, given).used < grant.uses;
  }

  /** Returns how often a grant was used; 0 for one that nobody counts. */
  used(capability: string, grant: Terms, given: Given): number {
    return grant.uses === null ? 0 : this.#countOf(capability, grant, given).used;
  }

  /** Lets a narrower copy of a grant count as that grant. */
  share(grant: Terms, copy: Terms): void {
    const count = this.#byGrant.get(grant);
    if (count !== undefined) this.#byGrant.set(copy, count);
  }

  /**
   * Counts one use, which is on disk when the promise resolves.
   *
   * @throws CAPABILITY_DENIED when none is left
   */
  use(plugin: PluginId, capability: string, grant: Terms): Promise<void> {
    const count = this.#byGrant.get(grant);
    const uses = grant.uses ?? Number.POSITIVE_INFINITY;
    if (count === undefined || count.used >= uses)
      throw new HostError("CAPABILITY_DENIED", { verb: `use ${capability} again`, plugin });
    for (const each of count.kin ?? [count]) {
      each.used += 1;
      this.#write(each);
    }
    // What is left of its kin is for those to say.
    if (count.used >= uses || count.kin !== undefined) this.epoch += 1;
    return this.#books.committed();
  }

  /**
   * Lets the grants that replace those of a plugin go on counting where these are, at once in memory.
   * The promise resolves when that is on disk; the old grants count as before until `settle`.
   */
  async succeed(given: Given, successors: readonly Successor[]): Promise<void> {
    const linked = new Set<Count>();
    for (const { capability, grant, from } of successors) {
      if (grant.uses === null) continue;
      const old = from && this.#byGrant.get(from);
      const count = old ?? this.#countOf(capability, grant, given);
      const key = keyOf(capability, grant, given);
      count.keys = [...new Set([...count.keys, key])];
      this.#counts.set(key, count);
      this.#byGrant.set(grant, count);
      linked.add(count);
    }
    // In memory it is so by now, also when nothing can be written any more.
    for (const count of linked) this.#write(count);
    await this.#books.committed();
  }

  /**
   * Lets the grants of an update have no more than is left of those that they replace, also while calls
   * of both versions run.
   */
  carryOver(before: BoundGrants, after: BoundGrants): void {
    for (const { capability, grant } of eachOf(after.grants)) {
      const old = predecessorOf(before.grants, capability, grant);
      if (grant.uses === null || old === undefined || old.uses === null) continue;
      const from = this.#countOf(capability, old, before);
      const count = this.#countOf(capability, grant, after);
      if (count === from) continue;
      count.used = Math.max(count.used, grant.uses - (old.uses - from.used));
      const kin = [...(from.kin ?? [from]), count];
      for (const gone of kin.splice(0, kin.length - kinMax)) delete gone.kin;
      const all = new Set(kin);
      for (const each of kin) each.kin = all;
      this.#write(count);
    }
  }

  /** Forgets the counts of a plugin's grants but those that it has now. */
  settle(given: Given, grants: readonly Omit<Successor, "from">[]): void {
    const counted = grants.filter(({ grant }) => grant.uses !== null);
    const kept = new Map<string, Count>();
    for (const { capability, grant } of counted)
      kept.set(keyOf(capability, grant, given), this.#countOf(capability, grant, given));
    for (const [key, { plugin }] of this.#counts)
      if (plugin === given.plugin && !kept.has(key)) this.#counts.delete(key);
    for (const count of kept.values()) count.keys = count.keys.filter((key) => kept.has(key));
    const rows = [...kept].map(([grant, { plugin, used }]) => ({ grant, plugin, used }));
    this.#books.keepOnly(given.plugin, rows);
  }

  /** Forgets a plugin that was removed. */
  forget(plugin: PluginId): void {
    for (const [key, count] of this.#counts) if (count.plugin === plugin) this.#counts.delete(key);
    this.#books.keepOnly(plugin, []);
  }

  #write({ plugin, used, keys }: Count): void {
    for (const grant of keys) this.#books.setUsed({ plugin, grant, used });
  }

  #countOf(capability: string, grant: Terms, given: Given): Count {
    const known = this.#byGrant.get(grant);
    if (known !== undefined) return known;
    const key = keyOf(capability, grant, given);
    const count = this.#counts.get(key) ?? { keys: [key], plugin: given.plugin, used: 0 };
    this.#counts.set(key, count);
    this.#byGrant.set(grant, count);
    return count;
  }
}

/** Names a grant by what it allows and since when; how often and until when is no part of it. */
function keyOf(capability: string, grant: Terms, given: Given): string {
  const { uses, expires, ...scope } = grant;
  const { plugin, source, signer, grantedAt } = given;
  const entries = Object.entries(scope).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash("sha256", JSON.stringify([plugin, source, signer, grantedAt, capability, entries]));
}
