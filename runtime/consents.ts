import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { Clock } from "./clock.ts";
import type { Consents, InstallAnswer, PluginView } from "./host.ts";
import type { ConsentAsk, InstallRequest, InstallStep } from "./install.ts";
import type { Caller } from "./keys.ts";

/** Installs that may wait at one time: each holds its package in memory. */
const waitingMax = 16;
/** How long a person may think. */
const waitMs = 15 * 60_000;

/** An install that waits for somebody's yes. */
interface Waiting {
  readonly ask: ConsentAsk;
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

  const begin = (request: Omit<InstallRequest, "consent">): Promise<InstallAnswer> => {
    if (waiting.size >= waitingMax) throw new HostError("CONSENTS_FULL", { limit: waitingMax });
    return new Promise((resolve, reject) => {
      const entry: { onStep: Waiting["onStep"] } = { onStep: request.onStep };
      const done = install({
        ...request,
        onStep: (step) => entry.onStep?.(step),
        consent: (ask) =>
          new Promise((decide) => {
            const consentId = Buffer.from(clock.random(18)).toString("base64url");
            const timer = setTimeout(() => settle(undefined), waitMs);
            timer.unref();
            const settle = (by: Caller | undefined) => {
              clearTimeout(timer);
              waiting.delete(consentId);
              decide(by);
            };
            waiting.set(consentId, Object.assign(entry, { ask, decide: settle, done }));
            resolve({ kind: "waiting", consentId, ask });
          }),
      });
      // Whoever answers waits for the end; here it is only heard that there was nothing to ask.
      done.then((plugin) => resolve({ kind: "installed", plugin }), reject);
    });
  };

  return {
    begin,
    async answer(consentId, pluginId, by, accept, onStep) {
      const found = waiting.get(consentId);
      if (found === undefined || found.ask.id !== pluginId) {
        throw new HostError("CONSENT_NOT_FOUND", { consent: quote(consentId) });
      }
      found.onStep = onStep;
      found.decide(accept ? by : undefined);
      return found.done;
    },
  };
}
