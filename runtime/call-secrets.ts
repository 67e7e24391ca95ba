import { type ErrorCode, type Facts, HostError } from "#manifests/errors.ts";
import type { Asker } from "./capabilities/capability.ts";
import type { Redactor } from "./capabilities/injection.ts";
import type { Leaks } from "./capabilities/leaks.ts";
import { marker } from "./capabilities/redact/redaction.ts";
import type { Outcome } from "./sandbox/runner.ts";
import { bindingOf, type VersionRecord } from "./store/records.ts";

/**
 * What keeps secrets out of what calls give back. Values that were put into requests for a plugin, that
 * it was shown, or that are among its settings are in none of its outputs, errors and logs; and of
 * calls that are made of each other, not in those of any.
 */
export class CallSecrets {
  readonly #leaks: Leaks;

  constructor(leaks: Leaks) {
    this.#leaks = leaks;
  }

  /**
   * Notes a call, before its guest runs.
   *
   * @param lineage  ids of the calls that it is made on behalf of, the nearest first
   */
  begin(asker: Asker, lineage: () => readonly string[]): Asker {
    this.#leaks.begin(asker, lineage);
    return asker;
  }

  /** Forgets a call that is over. */
  end(callId: string): void {
    this.#leaks.end(callId);
  }

  /** Returns a line of a guest's log without secrets. */
  line(asker: Asker, text: string): string {
    return this.#leaks.outgoing(asker, "log")?.text(text) ?? text;
  }

  /** The same for a line outside of calls. */
  settingsLine(version: VersionRecord, text: string): string {
    return this.#leaks.settingsOf(bindingOf(version)).text(text);
  }

  /** Returns what a call came to without secrets: its output, or how it failed. */
  outcome(callId: string, asker: () => Asker, outcome: Outcome): Outcome {
    const redactor = this.#leaks.has(callId) && this.#leaks.outgoing(asker(), "output");
    if (!redactor) return outcome;
    const clean = redactor.bytes(outcome.payload);
    if (clean === outcome.payload) return outcome;
    const isKept = (outcome.ok && outcome.raw) || isJson(clean);
    return { ...outcome, payload: Buffer.from(isKept ? clean : notJson) };
  }

  /** Returns a failure of a plugin without its secret settings; anything else comes back as it is. */
  failure<Thrown>(version: VersionRecord | undefined, thrown: Thrown): Thrown | HostError {
    if (version === undefined || !(thrown instanceof HostError)) return thrown;
    const redactor = this.#leaks.settingsOf(bindingOf(version));
    return redactor.isIdle ? thrown : withoutSecrets(thrown, redactor);
  }
}

/** Stands for an output that is none without the secret: one that was a number, for instance. */
const notJson: Uint8Array = Buffer.from(JSON.stringify(marker));

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes).toString());
    return true;
  } catch {
    return false;
  }
}

function withoutSecrets(error: HostError, redactor: Redactor): HostError {
  const facts = Object.entries(error.facts as Readonly<Record<string, string | number>>);
  const clean = facts.map(([name, fact]) => [
    name,
    typeof fact === "string" ? redactor.text(fact) : fact,
  ]);
  return new HostError<ErrorCode>(error.code, Object.fromEntries(clean) as Facts<ErrorCode>);
}
