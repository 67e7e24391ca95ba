import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { Clock } from "./clock.ts";
import type { Consents, InstallAnswer, PluginView } from "./host.ts";
import type { ConsentAsk, InstallRequest, InstallStep } from "./install.ts";
import type { Caller } from "./keys.ts";

/** Installs that may wait or run at one time: each holds its package in memory. */
const openMax = 16;
/** How long a person may think. */
const waitMs = 15 * 60_000;

/** An install that waits for somebody's yes. */
interface Waiting {
  readonly ask: ConsentAsk;
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
  readonly decide: (by: Caller | undefined) => void;
  readonly done: Promise<PluginView>;
  onStep: ((step: InstallStep) => void) | undefined;
}

/**
 * Creates the installs that wait for consent between two requests.
 *
 * `begin` @throws CONSENTS_FULL; `answer` @throws CONSENT_NOT_FOUND
 */
export function createConsents(
  clock: Clock,
  install: (request: InstallRequest) => Promise<PluginView>,
): Consents {
  const waiting = new Map<string, Waiting>();
  const open = new Set<object>();

  const begin = async (request: Omit<InstallRequest, "consent">): Promise<InstallAnswer> => {
    for (const each of waiting.values()) if (isOver(clock, each)) each.decide(undefined);
    if (open.size >= openMax) throw new HostError("CONSENTS_FULL", { limit: openMax });
    const { promise, resolve, reject } = Promise.withResolvers<InstallAnswer>();
    const entry: { onStep: Waiting["onStep"] } = { onStep: request.onStep };
    open.add(entry);
    const ask = (asked: ConsentAsk): Promise<Caller | undefined> => {
      const { promise: decision, resolve: decide } = Promise.withResolvers<Caller | undefined>();
      const consentId = Buffer.from(clock.random(18)).toString("base64url");
      // So that its package is let go although nobody asks for it again.
      const timer = setTimeout(() => settle(undefined), waitMs).unref();
      const settle = (by: Caller | undefined): void => {
        clearTimeout(timer);
        waiting.delete(consentId);
        if (by === undefined) open.delete(entry);
        decide(by);
      };
      const until = clock.monotonic() + waitMs;
      waiting.set(consentId, Object.assign(entry, { ask: asked, until, decide: settle, done }));
      resolve({ kind: "waiting", consentId, ask: asked });
      return decision;
    };
    const done = install({ ...request, onStep: (step) => entry.onStep?.(step), consent: ask });
    // Whoever answers waits for the end; here it is only heard that there was nothing to ask.
    done.then((plugin) => resolve({ kind: "installed", plugin }), reject);
    done.then(
      () => open.delete(entry),
      () => open.delete(entry),
    );
    return promise;
  };

  return {
    begin,
    async answer(consentId, pluginId, by, accept, onStep) {
      const found = waiting.get(consentId);
      if (found !== undefined && isOver(clock, found)) found.decide(undefined);
      if (found === undefined || found.ask.id !== pluginId || isOver(clock, found)) {
        throw new HostError("CONSENT_NOT_FOUND", { consent: quote(consentId) });
      }
      found.onStep = onStep;
      found.decide(accept ? by : undefined);
      return found.done;
    },
  };
}

function isOver(clock: Clock, { until }: Waiting): boolean {
  return clock.monotonic() >= until;
}
