import type { Binding } from "#manifests/grants.ts";
import type { SecretGrant } from "#manifests/capabilities/secrets.ts";
import type { Asker } from "./capability.ts";
import type { Redactor } from "./injection.ts";
import { type Labelled, Matcher } from "./redact/matcher.ts";
import { needlesOf } from "./redact/needles.ts";
import { createRedactor } from "./redact/redaction.ts";

/** What is known of a secret besides its value. */
export interface SecretFacts {
  readonly version: number;
  readonly audience: readonly string[];
  /** Whether it is like ordinary text: then it is not looked for. */
  readonly isWeak: boolean;
}

/** The secrets of the operator, by their names. */
export interface SecretSource {
  find(name: string): SecretFacts | undefined;
  /** @throws SECRET_NOT_FOUND, VAULT_LOCKED, VAULT_DAMAGED */
  open(name: string): string;
  /** Returns what besides the whole of it is a secret too: texts inside a value that has parts. */
  partsOf?(name: string): readonly string[];
  /** Books one use. @throws STORAGE_FULL, AUDIT_FAILED */
  noteUse(name: string): void;
}

/** Where a value was found that should not be there. */
export type Place = "answer" | "output" | "log";

/** A value that was found and taken out. */
export interface Hit {
  readonly asker: Asker;
  /** The operator's name of it. */
  readonly secret: string;
  readonly place: Place;
  /** The grant by which it came into the call; null for a setting of the plugin. */
  readonly grant: { readonly binding: Binding; readonly name: string } | null;
}

/** What keeping values out of answers needs of the host. */
export interface LeakParts {
  readonly source: SecretSource;
  /** Names of the settings of a plugin that are secrets, as the source knows them. */
  readonly ownNamesOf: (binding: Binding) => readonly string[];
  /** Hears of each secret once in a call and place. */
  readonly onHit: (hit: Hit) => void;
}

/** A value that a chain of calls has to do with, and how it came there. */
interface Known {
  readonly secret: string;
  readonly grant: Hit["grant"];
  /** Whether guests of the chain may not see it: it is put into requests for them. */
  readonly isHidden: boolean;
}

/** One version of a secret, ready to be looked for. */
interface Ready {
  /** Name and version. */
  readonly key: string;
  readonly needles: readonly Labelled<string>[];
}

/** What calls that are made of each other have to do with; what one may not give out, none may. */
interface Ring {
  readonly known: Map<string, Known & Ready>;
  /** Made when something is looked for, and anew after something was added. */
  matchers: { hidden: Matcher<string> | null; all: Matcher<string> | null } | undefined;
  /** Hits that were told already. */
  readonly told: Set<string>;
}

/** Values whose encodings are kept ready; a host with more of them makes some anew. */
const readyMax = 512;
const matchersMax = 64;

/**
 * Keeps the values of secrets out of what goes back: out of answers to guests those that the host
 * puts into requests, and out of outputs, errors and logs all that the plugin has to do with.
 *
 * A call without secrets costs one look at its manifest.
 */
export class Leaks {
  readonly #parts: LeakParts;
  readonly #rings = new Map<string, Ring>();
  readonly #ready = new Map<string, Ready>();
  readonly #matchers = new Map<string, Matcher<string>>();

  constructor(parts: LeakParts) {
    this.#parts = parts;
  }

  /**
   * Notes what a call may have to do with. To be called before its guest runs.
   *
   * @param lineage  ids of the calls that it is made on behalf of, the nearest first
   */
  begin(asker: Asker, lineage: () => readonly string[]): void {
    const settings = this.#parts.ownNamesOf(asker.binding);
    const mayHave = asker.uses.secrets.length > 0 || settings.length > 0;
    if (!mayHave && this.#rings.size === 0) return;
    const above = lineage();
    const shared = above.map((id) => this.#rings.get(id)).find((ring) => ring !== undefined);
    if (!mayHave && shared === undefined) return;
    const ring = shared ?? newRing();
    // A call above may get to see what this one puts into requests.
    for (const id of [asker.callId, ...above]) this.#rings.set(id, ring);
    for (const grant of asker.grants().secrets) this.add(asker, grant);
    for (const secret of settings) this.#add(ring, { secret, grant: null, isHidden: false });
  }

  /** Whether there is anything that a call may not give out. */
  has(callId: string): boolean {
    return this.#rings.size > 0 && this.#rings.has(callId);
  }

  /** Forgets a call that is over. */
  end(callId: string): void {
    if (this.#rings.size > 0) this.#rings.delete(callId);
  }

  /** Notes a grant that a call makes use of. */
  add(asker: Asker, { secret, name, mode }: SecretGrant): void {
    const known = this.#rings.get(asker.callId);
    // Nobody hears any more what comes back, and nobody would forget it.
    if (known === undefined && asker.signal.aborted) return;
    const ring = known ?? newRing();
    this.#rings.set(asker.callId, ring);
    const grant = { binding: asker.binding, name };
    this.#add(ring, { secret, grant, isHidden: mode === "inject" });
  }

  /** Returns what finds values that no guest of these calls may see. */
  redactorOf(asker: Asker): Redactor {
    return this.#redactor(asker, "answer");
  }

  /** Returns what finds all values that a call has to do with; undefined when there are none. */
  outgoing(asker: Asker, place: "output" | "log"): Redactor | undefined {
    return this.#rings.has(asker.callId) ? this.#redactor(asker, place) : undefined;
  }

  /** Returns what finds the secret settings of a plugin outside of calls. */
  settingsOf(binding: Binding): Redactor {
    const ready = this.#parts.ownNamesOf(binding).map((secret) => this.#readied(secret));
    const matcher = this.#matcherOf(ready.filter((each) => each !== undefined));
    return createRedactor({ matcher: () => matcher, onHit: () => {} });
  }

  #redactor(asker: Asker, place: Place): Redactor {
    // Held on to: what comes after the call is over is redacted too.
    const held: { ring: Ring | undefined } = { ring: undefined };
    return createRedactor({
      matcher: () => {
        held.ring = this.#rings.get(asker.callId) ?? held.ring;
        if (held.ring === undefined) return null;
        held.ring.matchers ??= this.#matchersOf(held.ring);
        return place === "answer" ? held.ring.matchers.hidden : held.ring.matchers.all;
      },
      onHit: (key) => {
        const known = held.ring?.known.get(key);
        const name = `${asker.callId} ${place} ${key}`;
        if (known === undefined || held.ring?.told.has(name)) return;
        held.ring?.told.add(name);
        this.#parts.onHit({ asker, secret: known.secret, place, grant: known.grant });
      },
    });
  }

  #add(ring: Ring, known: Known): void {
    const ready = this.#readied(known.secret);
    if (ready === undefined) return;
    const before = ring.known.get(ready.key);
    if (before?.isHidden || (before !== undefined && !known.isHidden)) return;
    ring.known.set(ready.key, { ...known, ...ready });
    ring.matchers = undefined;
  }

  /** Returns a secret ready to be looked for; undefined for one that is not. */
  #readied(secret: string): Ready | undefined {
    const facts = this.#parts.source.find(secret);
    if (facts === undefined || facts.isWeak) return undefined;
    const key = `${secret}@${facts.version}`;
    const known = this.#ready.get(key);
    if (known !== undefined) return known;
    const values = this.#valuesOf(secret);
    if (values.length === 0) return undefined;
    const needles = values.flatMap(needlesOf).map((needle) => ({ label: key, needle }));
    const ready = { key, needles };
    keep(this.#ready, key, ready, readyMax);
    return ready;
  }

  /** What cannot be opened was put into no request of this process either. */
  #valuesOf(secret: string): readonly string[] {
    const { source } = this.#parts;
    try {
      return [...new Set([source.open(secret), ...(source.partsOf?.(secret) ?? [])])];
    } catch {
      return [];
    }
  }

  #matchersOf({ known }: Ring): NonNullable<Ring["matchers"]> {
    const all = [...known.values()];
    const hidden = all.filter(({ isHidden }) => isHidden);
    return { hidden: this.#matcherOf(hidden), all: this.#matcherOf(all) };
  }

  #matcherOf(ready: readonly Ready[]): Matcher<string> | null {
    if (ready.length === 0) return null;
    const name = ready
      .map(({ key }) => key)
      .sort()
      .join("\n");
    const made = this.#matchers.get(name);
    if (made !== undefined) return made;
    const matcher = new Matcher(ready.flatMap(({ needles }) => needles));
    keep(this.#matchers, name, matcher, matchersMax);
    return matcher;
  }
}

function newRing(): Ring {
  return { known: new Map(), matchers: undefined, told: new Set() };
}

/** Puts something into a map of bounded size; what was put in first goes first. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value, sizeMax: number): void {
  const [oldest] = map.keys();
  if (map.size >= sizeMax && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
