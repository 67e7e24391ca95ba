import type { Static } from "typebox";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { plainTerms, type Terms } from "#manifests/capabilities/terms.ts";
import { HostError } from "#manifests/errors.ts";
import type { Grants } from "#manifests/grants.ts";
import { type Check, type HostFunction, hostFunction, type Message } from "../capability.ts";
import { wholeBody } from "./bodies.ts";
import { covering, type NetworkParts } from "./parts.ts";
import {
  bodyOf,
  manyAnswers,
  manyRequests,
  type oneRequest,
  targetOf,
  wishOf,
} from "./requests.ts";
import { type Answer, type Sending, send } from "./send.ts";
import { type Target, targetText } from "./target.ts";

/** Several requests: each of them is decided about when it is sent, and answered or refused alone. */
interface Several {
  readonly count: number;
}

/** Bytes of all bodies of one answer. */
const allBytesMax = 64 * 1024 * 1024;
/** Bytes of JSON that a text may take beside headers; a longer one travels as a block. */
const textBytesMax = 48 * 1024;
/** Bytes of JSON of one response: eight of them fit what a guest can be answered. */
const responseBytesMax = 120 * 1024;

const isSeveral = (target: Target | Several): target is Several => "count" in target;

/** Sends requests side by side. */
export function fetchOf(parts: NetworkParts): HostFunction {
  const coveringOne = covering(parts);
  return hostFunction<Target | Several, Terms>({
    import: "extism:host/user.network_fetch",
    capability: "network",
    act: "network_fetch",
    reads: false,
    about: "Sends requests side by side; each is answered, or refused with an error of its own.",
    request: manyRequests,
    response: manyAnswers,
    target: ({ requests }: Static<typeof manyRequests>) => {
      const [only] = requests;
      return only === undefined || requests.length > 1
        ? { count: requests.length }
        : targetOf(only);
    },
    grantFor: (grants, target) => (isSeveral(target) ? anyOf(grants) : coveringOne(grants, target)),
    text: (target) => (isSeveral(target) ? `${target.count} requests` : targetText(target)),
    async effect(asker, request: Static<typeof manyRequests>, message, check, grant) {
      const { requests, maxBytes = parts.limits().bodyBytesMax } = request;
      const share = Math.floor(allBytesMax / requests.length);
      const bytesMax = Math.min(maxBytes, parts.limits().bodyBytesMax, share);
      const checked = check as Check<Target, NetworkGrant>;
      using room = parts.held.room(asker.plugin);
      const answers = await Promise.all(
        requests.map((each) =>
          answered(parts, each, message, {
            asker,
            check: checked,
            room,
            bytesMax,
            grant: requests.length === 1 ? (grant as NetworkGrant) : undefined,
          }),
        ),
      );
      return toMessage(answers);
    },
  });
}

/** Whoever may send nothing is told at once; the others hear of each request. */
function anyOf({ network }: Grants): Terms | undefined {
  return network.length === 0 ? undefined : plainTerms("any");
}

interface One extends Omit<Sending, "follows" | "grant"> {
  /** Undefined where the decision about the first target is still to be made. */
  readonly grant: NetworkGrant | undefined;
  readonly bytesMax: number;
}

/** An answer that came whole, or why there is none. */
type Whole = (Pick<Answer, "status" | "headers" | "url"> & { body: Uint8Array }) | HostError;

async function answered(
  parts: NetworkParts,
  request: Static<typeof oneRequest>,
  message: Message,
  { bytesMax, grant, ...own }: One,
): Promise<Whole> {
  try {
    const wish = wishOf(request, bodyOf(request, message), { ...parts, asker: own.asker });
    const follows = request.redirect !== "manual";
    const sending = { ...own, grant: grant ?? own.check(wish.target), follows };
    const answer = await send(parts, sending, wish);
    const body = await wholeBody(answer, bytesMax);
    const { status, headers, url } = answer;
    return { status, headers, url, body };
  } catch (error) {
    return error instanceof HostError ? error : new HostError("INTERNAL", {}, { cause: error });
  }
}

function toMessage(answers: readonly Whole[]): { value: unknown; blocks: readonly Uint8Array[] } {
  const blocks: Uint8Array[] = [];
  const responses = answers.map((answer) => {
    if (answer instanceof HostError) return told(answer);
    const { body, ...head } = answer;
    if (jsonBytes(head) > responseBytesMax - textBytesMax) return told(tooLong(answer.url));
    const text = shortText(body);
    if (text !== undefined) return { ...head, body: text };
    return { ...head, block: blocks.push(body) - 1 };
  });
  return { value: { responses }, blocks };
}

function told({ code, message }: HostError): { error: { code: string; message: string } } {
  return { error: { code, message } };
}

function tooLong(url: string): HostError {
  const facts = { host: new URL(url).hostname, reason: "its headers do not fit an answer" };
  return new HostError("NETWORK_ANSWER_REFUSED", facts);
}

/** The text that a body is, when it is short enough to stand in JSON. */
function shortText(body: Uint8Array): string | undefined {
  if (body.length > textBytesMax) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return jsonBytes(text) > textBytesMax ? undefined : text;
  } catch {
    return undefined; // Not text: it travels as a block.
  }
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
