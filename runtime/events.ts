import type { EventKind, HostEvent } from "#manifests/events.ts";
import type { Clock } from "./clock.ts";

/** What happened, as whoever saw it tells it. */
export interface Told {
  readonly kind: EventKind;
  readonly plugin?: string;
  /** What it is about besides the plugin; told apart from others when events are counted together. */
  readonly subject?: string;
  /** A sentence for people with the command to type; nothing that a guest wrote as free text. */
  readonly text: string;
}

/**
 * What the operator is told without asking.
 *
 * The same thing is told once at once and then once a minute with its count, so that a flood of it
 * is a few lines.
 */
export interface Events {
  /** Never throws and never waits. */
  emit(told: Told): void;
  /** The newest, oldest first; at most 200 are kept. */
  recent(): readonly HostEvent[];
  /** Hears every event from now on until disposed. */
  follow(hear: (event: HostEvent) => void): Disposable;
  /** Tells the rest of what was counted in minutes that are over. */
  sweep(): void;
}

const windowMs = 60_000;
/** Beyond it things that are told for the first time are not told apart by their subject. */
const windowsMax = 1_000;
const recentMax = 200;
const textCharsMax = 500;
const subjectCharsMax = 128;
/** How often something must happen within a minute to be told at all; one denial is no news. */
const thresholds: Readonly<Partial<Record<EventKind, number>>> = { denied: 10 };

/** The same thing in one minute. */
interface Window {
  readonly told: Told;
  readonly fromMs: number;
  count: number;
  /** Of these, how many an event has told. */
  said: number;
}

/** Creates the one place that events go through. */
export function createEvents(clock: Clock): Events {
  return new Counted(clock);
}

class Counted implements Events {
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #windows = new Map<string, Window>();
  readonly #followers = new Set<(event: HostEvent) => void>();
  #recent: HostEvent[] = [];
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#prefix = Buffer.from(clock.random(9)).toString("base64url");
  }

  emit(told: Told): void {
    const window = this.#windowOf(told);
    window.count += 1;
    const threshold = thresholds[told.kind] ?? 1;
    if (window.said === 0 && window.count >= threshold) this.#publish(window, told);
  }

  recent(): readonly HostEvent[] {
    return this.#recent;
  }

  follow(hear: (event: HostEvent) => void): Disposable {
    this.#followers.add(hear);
    return { [Symbol.dispose]: () => void this.#followers.delete(hear) };
  }

  sweep(): void {
    for (const [name, window] of this.#windows) this.#close(name, window);
  }

  #windowOf(told: Told): Window {
    const { kind, plugin = "", subject = "" } = told;
    const whole = `${kind} ${plugin} ${subject.slice(0, subjectCharsMax)}`;
    const isNew = !this.#windows.has(whole);
    const name = isNew && this.#windows.size >= windowsMax ? kind : whole;
    const open = this.#windows.get(name);
    if (open !== undefined && !this.#close(name, open)) return open;
    const made = { told, fromMs: this.#clock.monotonic(), count: 0, said: 0 };
    this.#windows.set(name, made);
    return made;
  }

  /** Ends a window whose minute is over. Returns whether it was. */
  #close(name: string, window: Window): boolean {
    if (this.#clock.monotonic() - window.fromMs < windowMs) return false;
    this.#windows.delete(name);
    if (window.said > 0 && window.count > window.said) this.#publish(window, window.told);
    return true;
  }

  #publish(window: Window, { kind, plugin, subject, text }: Told): void {
    this.#made += 1;
    const event: HostEvent = {
      event: 1,
      id: `${this.#prefix}-${this.#made}`,
      at: new Date(this.#clock.now()).toISOString(),
      kind,
      plugin: plugin ?? null,
      subject: subject?.slice(0, subjectCharsMax) ?? null,
      text: text.slice(0, textCharsMax),
      count: window.count - window.said,
      dropped: 0,
    };
    window.said = window.count;
    this.#recent = [...this.#recent.slice(1 - recentMax), event];
    for (const hear of this.#followers) tell(hear, event);
  }
}

function tell(hear: (event: HostEvent) => void, event: HostEvent): void {
  try {
    hear(event);
  } catch {
    // Whoever listens has no part in what happened.
  }
}
