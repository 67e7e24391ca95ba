import { createHmac } from "node:crypto";
import type { Terms } from "#manifests/capabilities/terms.ts";
import { type Binding, type BoundGrants, type Grants, nothingGranted } from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import type { Clock } from "../clock.ts";
import type { Installed } from "../installed.ts";
import type { GrantBooks } from "../store/grants.ts";
import { bindingOf, isSameBinding, type VersionRecord } from "../store/records.ts";
import { GrantClock } from "./clock.ts";
import { eachOf, type Manner, narrowed, those } from "./narrow.ts";
import { Uses } from "./uses.ts";

/** What holds in one call. Asked at every host function, and quick: it looks whether all is as before. */
export type Holding = () => Grants;

/** What of one version's grants is not void now, and until when that is so. */
interface Held {
  readonly bound: BoundGrants | null;
  readonly epoch: number;
  readonly until: number;
  readonly grants: Grants;
}

/** What the grants of a host come to: what was given, less what is over, spent or out of reach. */
export class GrantBook {
  readonly uses: Uses;
  readonly #clock: GrantClock;
  readonly #callerKey: Uint8Array;

  constructor(clock: Clock, books: GrantBooks) {
    const { used, highWater, callerKey } = books.load();
    this.uses = new Uses(books, used);
    this.#clock = new GrantClock(clock, books, highWater);
    this.#callerKey = callerKey;
  }

  /** The time that grants expire by, in milliseconds since 1970; never goes back. */
  now(): number {
    return this.#clock.now();
  }

  /** Writes down how late it is, when that was not done for a while. */
  keep(): void {
    this.#clock.keep("soon");
  }

  /** Returns what tells what holds in the calls of one version, by the manner of the call. */
  holdings(installed: Installed, version: VersionRecord): (manner: Manner) => Holding {
    const binding = bindingOf(version);
    const state: { held: Held | undefined } = { held: undefined };
    const current = (): Held => {
      const { held } = state;
      if (held !== undefined && this.#isFresh(held, installed)) return held;
      state.held = this.#look(installed.grants, version, binding);
      return state.held;
    };
    const share = (grant: Terms, copy: Terms): void => this.uses.share(grant, copy);
    const narrowing = (manner: Manner): Holding => {
      const own: { of?: Grants; grants: Grants } = { grants: nothingGranted };
      return () => {
        const { grants } = current();
        if (own.of !== grants) {
          own.of = grants;
          own.grants = narrowed(grants, manner, share);
        }
        return own.grants;
      };
    };
    const plain: Holding = () => current().grants;
    const reading = narrowing({ chain: [], readOnly: true });
    return (manner) => {
      if (manner.chain.length > 0) return narrowing(manner);
      return manner.readOnly ? reading : plain;
    };
  }

  /** Returns what holds of a version's grants in a direct call now. */
  held(installed: Installed, version: VersionRecord): Grants {
    return this.#look(installed.grants, version, bindingOf(version)).grants;
  }

  /**
   * Returns the name under which a plugin knows an owner of keys: always the same for one plugin, another
   * for every other, and of no use to find the owner.
   */
  callerOf({ plugin, source, signer }: Binding, owner: string): string {
    const text = JSON.stringify([source, signer, plugin, owner]);
    return createHmac("sha256", this.#callerKey).update(text).digest("base64url").slice(0, 22);
  }

  /** Forgets what was spent of a plugin's grants: it was removed. */
  forget(plugin: PluginId): void {
    this.uses.forget(plugin);
  }

  #isFresh({ bound, epoch, until }: Held, installed: Installed): boolean {
    if (bound !== installed.grants || epoch !== this.uses.epoch) return false;
    return until === Number.POSITIVE_INFINITY || this.#clock.now() < until;
  }

  /** Grants speak for the digest, the signer and the source that somebody said yes to. */
  #look(bound: BoundGrants | null, version: VersionRecord, binding: Binding): Held {
    const { epoch } = this.uses;
    const none = { bound, epoch, until: Number.POSITIVE_INFINITY, grants: nothingGranted };
    if (bound === null || bound.digest !== version.digest || !isSameBinding(bound, binding))
      return none;
    const now = this.#clock.now();
    const ends = eachOf(bound.grants).map(({ grant }) => endOf(grant));
    // Written down at once: a restart that finds an earlier time must not bring it back.
    if (ends.some((end) => end <= now)) this.#clock.keep("now");
    const grants = those(
      bound.grants,
      (grant, capability) => endOf(grant) > now && this.uses.holds(capability, grant, bound),
    );
    const until = Math.min(...ends.filter((end) => end > now));
    return { bound, epoch, until, grants };
  }
}

function endOf({ expires }: Terms): number {
  return expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires);
}
