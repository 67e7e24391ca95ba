import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { HostError } from "#manifests/errors.ts";
import { problemOf, problemType, toHostError } from "./problems.ts";

/**
 * Answers what never became a request: bad framing, too many headers, too slow.
 *
 * @param error  of Node's HTTP parser
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const known = toHostError(error);
  const failure =
    known.code === "INTERNAL"
      ? new HostError("REQUEST_MALFORMED", { reason: "it is not well-formed HTTP" })
      : known;
  const body = JSON.stringify(problemOf(failure, "none"));
  const head = [
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status] ?? ""}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "cache-control: no-store",
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
