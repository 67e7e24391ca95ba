import { HostError } from "#manifests/errors.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import { type Answer, type Door, type Problem, ProblemError, type Send } from "./door.ts";

/** An output of 64 MiB as base64, in JSON, and what stands around it. */
const answerBytesMax = 96 * 2 ** 20;
/** A problem is a few sentences. */
const problemBytesMax = 64 * 2 ** 10;

/**
 * Returns what a host answered, as JSON; untrusted, and shaped as its documentation says.
 *
 * @throws ANSWER_INVALID, HOST_UNREACHABLE, and ProblemError when the host refused
 */
export async function askJson<Shape>(
  door: Door,
  method: string,
  path: string,
  send: Send = {},
): Promise<Shape> {
  const answer = await ask(door, method, path, send);
  return parseAnswer<Shape>(door, await bodyOf(door, answer, answerBytesMax));
}

/**
 * Returns an answer whose status says that it worked, with its body unread.
 *
 * @throws HOST_UNREACHABLE, and ProblemError when the host refused
 */
export async function ask(
  door: Door,
  method: string,
  path: string,
  send: Send = {},
): Promise<Answer> {
  const answer = await door.request(method, path, send);
  if (answer.status < 400) return answer;
  throw new ProblemError(problemOf(answer, await bodyOf(door, answer, problemBytesMax)));
}

/**
 * Returns the bytes of an answer.
 *
 * @throws ANSWER_INVALID when there are more than `bytesMax`
 */
export async function bodyOf(
  door: Door,
  answer: Answer,
  bytesMax = answerBytesMax,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw unreadable(door, `it has more than ${bytesMax} bytes`);
  }
  return Buffer.concat(chunks);
}

function parseAnswer<Shape>(door: Door, body: Uint8Array): Shape {
  if (body.byteLength === 0) return {} as Shape;
  try {
    return parseStrictJson(body, { bytesMax: answerBytesMax, depthMax: 128 }) as Shape;
  } catch (cause) {
    throw unreadable(door, "it is not JSON", cause);
  }
}

function unreadable(door: Door, reason: string, cause?: unknown): HostError {
  return new HostError("ANSWER_INVALID", { where: door.where, reason }, { cause });
}

/**
 * Returns the problem that a body of `application/problem+json` tells, or one made of the status.
 *
 * @param body  untrusted
 */
export function problemOf(answer: Pick<Answer, "status">, body: Uint8Array): Problem {
  const told = recordIn(body);
  const { status } = told;
  const text = (key: string): string | undefined =>
    typeof told[key] === "string" ? told[key] : undefined;
  return {
    status: typeof status === "number" ? status : answer.status,
    code: text("code") ?? text("title") ?? `HTTP_${answer.status}`,
    detail: text("detail") ?? `Cannot finish the request: the host answered ${answer.status}`,
    hint: text("hint") ?? "",
    requestId: text("requestId") ?? text("instance"),
  };
}

function recordIn(body: Uint8Array): Record<string, unknown> {
  try {
    const value = parseStrictJson(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // A proxy may have answered with a page; then the status alone is what is known.
    return {};
  }
}
