import type { Dispatcher } from "undici";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import type { Asker, Check } from "../capability.ts";
import { applyInjections } from "../inject.ts";
import type { Redactor, Secrets } from "../injection.ts";
import type { Budgets, Meter } from "./budget.ts";
import { codingsOf, decoded, type Pieces } from "./decode.ts";
import { networkError } from "./failures.ts";
import { type Headers, type Received, receivedHeaders, valuesOf } from "./headers.ts";
import type { Held, Room } from "./held.ts";
import { grantKey } from "./keys.ts";
import type { Lanes } from "./lanes.ts";
import { fixed, type NetworkLimits } from "./limits.ts";
import type { Lookups } from "./lookups.ts";
import type { OwnDoors } from "./own-doors.ts";
import { Patience } from "./patience.ts";
import { redirected, type Wish } from "./redirects.ts";
import { addressesOf } from "./resolve.ts";
import type { NetworkRules } from "./rules.ts";
import type { Target } from "./target.ts";

/** What sending needs of the host. */
export interface SendParts {
  readonly rules: NetworkRules;
  readonly lookups: Lookups;
  readonly lanes: Lanes;
  readonly doors: OwnDoors;
  readonly secrets: Secrets;
  readonly budgets: Budgets;
  readonly held: Held;
  readonly limits: () => NetworkLimits;
  readonly monotonic: () => number;
}

/** Who sends, and what was decided about it. */
export interface Sending {
  readonly asker: Asker;
  /** The grant that covers the first target; that decision is in the audit. */
  readonly grant: NetworkGrant;
  /** Decides about every further target. */
  readonly check: Check<Target, NetworkGrant>;
  /** Whether redirects are followed, or answered as they are. */
  readonly follows: boolean;
  /** What the answer may take of the host's memory. */
  readonly room: Room;
}

/** An answer whose body is still on its way. Whoever takes it reads it to the end, or ends it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from at last, without the values that were injected. */
  readonly url: string;
  readonly host: string;
  readonly room: Room;
  /** Decoded and redacted. */
  readonly body: Pieces;
  /** Lets the connection go; what was not read is not waited for. */
  end(): void;
}

/**
 * Sends a request, and follows its redirects, each of which begins anew: policy, look-up, addresses,
 * connection, secrets.
 *
 * @throws CAPABILITY_DENIED, HOST_REQUEST_INVALID, NETWORK_FAILED, NETWORK_TIMEOUT,
 * NETWORK_ANSWER_REFUSED, NETWORK_BUDGET_EXHAUSTED, and what secrets throw
 */
export async function send(parts: SendParts, sending: Sending, first: Wish): Promise<Answer> {
  let wish = first;
  let grant = sending.grant;
  const redactor = parts.secrets.redactorOf(sending.asker);
  for (let redirects = 0; redirects <= fixed.redirectsMax; redirects++) {
    const hop = await sendOnce(parts, { ...sending, grant }, wish);
    const next = sending.follows ? nextOf(wish, hop, redactor) : undefined;
    if (next === undefined) return answerOf(hop, wish, { redactor, room: sending.room });
    await hop.discard();
    grant = sending.check(next.target);
    wish = next;
  }
  const reason = `it redirects more than ${fixed.redirectsMax} times`;
  throw new HostError("NETWORK_ANSWER_REFUSED", { host: wish.target.host, reason });
}

/** One request that was answered, and what waits for its body. */
interface Hop {
  readonly response: Dispatcher.ResponseData;
  readonly patience: Patience;
  readonly meter: Meter;
  readonly limits: NetworkLimits;
  /** Reads a short rest so that the connection may be used again. */
  discard(): Promise<void>;
}

/** The pipeline of one request: each line is a step. */
async function sendOnce(parts: SendParts, sending: Sending, wish: Wish): Promise<Hop> {
  const { asker, grant } = sending;
  const { target } = wish;
  const limits = parts.limits();
  const meter = parts.budgets.begin(asker, grant);
  const patience = new Patience(target.host, asker, { ...parts, meter, totalMs: limits.totalMs });
  try {
    const wait = { what: "answer", ms: limits.headersMs };
    return await patience.during(wait, async () => {
      const resolve = parts.lookups.of(asker.plugin);
      const found = await addressesOf(target.host, resolve, patience.signal);
      const vetted = vet(parts, stillHeld(sending, target), target, found);
      const lane = parts.lanes.of(asker, vetted.grant);
      lane.pin(target.host, vetted.addresses);
      const injections = await parts.secrets.injectionsFor(asker, target.url);
      const outgoing = applyInjections(
        { ...wish, url: target.url, headers: sentHeaders(wish, injections.length > 0) },
        injections,
      );
      meter.addBytes(sizeOf(outgoing));
      // Of this request: what is not booked is not sent.
      await sending.check.booked();
      const response = await lane.dispatcher.request({
        origin: outgoing.url.origin,
        path: outgoing.url.pathname + outgoing.url.search,
        method: target.method,
        headers: outgoing.headers.flat(),
        body: outgoing.body,
        signal: patience.signal,
      });
      meter.addBytes(headerBytes(response.headers));
      const discard = () => discarded(response, patience, meter);
      return { response, patience, meter, limits, discard };
    });
  } catch (error) {
    meter.close();
    throw networkError(target.host, error);
  }
}

/**
 * Decides anew where a grant ended meanwhile: whoever owns a name decides how long it is looked up.
 *
 * @throws CAPABILITY_DENIED
 */
function stillHeld(sending: Sending, target: Target): Sending {
  const { asker, grant, check } = sending;
  const key = grantKey(grant);
  // The last use of a grant is booked by now, so that it is void and good for this request alone.
  const isHeld = grant.uses !== null || asker.grants().network.some((one) => grantKey(one) === key);
  return isHeld ? sending : { ...sending, grant: check(target) };
}

/**
 * Returns the addresses that may be connected to: public ones, and those that a grant names; never
 * those at which this host itself listens.
 *
 * @throws CAPABILITY_DENIED
 */
function vet(
  { rules, doors }: SendParts,
  { grant, check }: Sending,
  target: Target,
  found: readonly string[],
): { readonly grant: NetworkGrant; readonly addresses: readonly string[] } {
  const addresses = found.filter(
    (address) => rules.mayReach(grant, target, address) && !doors.has(address, target.port),
  );
  if (addresses.length > 0) return { grant, addresses };
  // Another grant may name the address; if none does, that is refused and written as all else is.
  const [address = ""] = found;
  return { grant: check({ ...target, address }), addresses: [address] };
}

/** @param isSecret  whether a secret goes with it: no value is found in an answer that comes in parts */
function sentHeaders({ headers }: Wish, isSecret: boolean): readonly (readonly [string, string])[] {
  // What other codings may take of the memory here is for a guest to ask for that needs them.
  const own = { "user-agent": "convergio", accept: "*/*", "accept-encoding": "gzip" };
  const all = Object.entries({ ...own, ...headers });
  // A server may answer with the whole to whoever asks for a range, and so it does to who asks for none.
  return isSecret ? all.filter(([name]) => name !== "range" && name !== "if-range") : all;
}

function sizeOf({ url, headers, body }: ReturnType<typeof applyInjections>): number {
  const named = headers.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  return url.href.length + named + (body?.length ?? 0);
}

function headerBytes(headers: Received): number {
  return Object.entries(headers).reduce(
    (sum, [name, found]) =>
      valuesOf(found).reduce((all, each) => all + name.length + each.length, sum),
    0,
  );
}

/** @throws NETWORK_ANSWER_REFUSED */
function nextOf(wish: Wish, { response }: Hop, redactor: Redactor): Wish | undefined {
  const { location: found } = response.headers;
  const [location] = valuesOf(found);
  // A server that repeats a secret in its redirect would send it on to wherever it likes.
  const clean = location === undefined ? undefined : redactor.text(location);
  return redirected(wish, response.statusCode, clean);
}

async function discarded(
  { body }: Dispatcher.ResponseData,
  patience: Patience,
  meter: Meter,
): Promise<void> {
  body.on("error", () => {}); // Nobody wants it any more.
  await body.dump({ limit: 16 * 1024, signal: patience.signal }).catch(() => {});
  meter.close();
}

/** @throws NETWORK_ANSWER_REFUSED */
function answerOf(
  hop: Hop,
  { target }: Wish,
  { redactor, room }: { readonly redactor: Redactor; readonly room: Room },
): Answer {
  const { response, patience, meter } = hop;
  const end = (): void => {
    patience.end();
    response.body.on("error", () => {}); // It was ended on purpose.
    response.body.destroy();
    meter.close();
  };
  try {
    const { host, url } = target;
    const codings = codingsOf(host, valuesOf(response.headers["content-encoding"]).join(","));
    const headers = receivedHeaders(host, response.headers, codings.length > 0);
    const body = redactedPieces(decoded({ host, room }, arriving(hop, host), codings), redactor);
    const clean = (text: string): string => redactor.text(text);
    const shown = Object.entries(headers).map(([name, text]) => [clean(name), clean(text)]);
    return {
      ...{ status: response.statusCode, host, room, end, body },
      headers: Object.fromEntries(shown),
      url: redactor.text(url.href),
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** The bytes of a body as they come, each waited for, each paid. */
async function* arriving(
  { response, patience, meter, limits }: Hop,
  host: string,
): AsyncGenerator<Uint8Array> {
  const pieces = response.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const wait = { what: "next piece of its body", ms: limits.idleMs };
  try {
    for (;;) {
      const each = await patience.during(wait, () => pieces.next());
      if (each.done === true) return;
      meter.addBytes(each.value.length);
      yield each.value;
    }
  } catch (error) {
    throw networkError(host, error);
  } finally {
    meter.close();
    response.body.on("error", () => {}); // Whoever stopped reading has a reason of its own.
    await pieces.return?.();
  }
}

async function* redactedPieces(body: Pieces, redactor: Redactor): AsyncGenerator<Uint8Array> {
  // Also while there is nothing to look for: a call that is made meanwhile may bring a value in.
  const stream = redactor.stream();
  for await (const piece of body) {
    const clean = stream.push(piece);
    if (clean.length > 0) yield clean;
  }
  const rest = stream.end();
  if (rest.length > 0) yield rest;
}
