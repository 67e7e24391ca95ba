import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { type InstallStep, installSteps } from "../../install.ts";
import { untrustedJson } from "../../untrusted.ts";
import { problemOf, toHostError } from "./problems.ts";
import { createEventStream, wantsEvents } from "./sse.ts";

/** What an install comes to: the last event of its stream, or a status and a body. */
export interface Outcome {
  readonly event: "installed" | "waiting" | "declined";
  readonly status: 200 | 201 | 202 | 204;
  /** Null for an empty body. */
  readonly value: unknown;
}

interface InstallParts {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly logger: Logger;
}

/**
 * Answers with what an install comes to: with `accept: text/event-stream` as the events `step`, then
 * `installed`, `waiting`, `declined` or `error`; else as an ordinary answer.
 */
export async function answerInstall(
  parts: InstallParts,
  act: (onStep?: (step: InstallStep) => void) => Promise<Outcome>,
): Promise<FastifyReply> {
  if (wantsEvents(parts.request.headers.accept)) return stream(parts, act);
  const { status, value } = await act();
  return parts.reply.code(status).send(value ?? undefined);
}

async function stream(
  { request, reply, logger }: InstallParts,
  act: (onStep: (step: InstallStep) => void) => Promise<Outcome>,
): Promise<FastifyReply> {
  using events = createEventStream(reply);
  const state = { step: 0 };
  const onStep = (step: InstallStep): void => {
    state.step = installSteps.indexOf(step) + 1;
    // What is wrong with a package shows in the first steps: that is still an ordinary answer.
    if (step === "resolve" || step === "verify") return;
    events.send("step", JSON.stringify({ step, number: state.step, of: installSteps.length }));
  };
  try {
    const { event, value } = await act(onStep);
    events.finish(event, untrustedJson(value));
  } catch (thrown) {
    if (!events.isOpen) throw thrown;
    const error = toHostError(thrown);
    const { id: requestId, traceId } = request;
    if (error.code === "INTERNAL")
      logger.error({ requestId, traceId, err: thrown }, "an install met a fault");
    events.finish("error", JSON.stringify(problemOf(error, requestId)));
  }
  return reply;
}
