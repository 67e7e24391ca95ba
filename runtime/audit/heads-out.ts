import { createSocket } from "node:dgram";
import { once } from "node:events";
import { appendFile } from "node:fs/promises";
import { connect } from "node:net";
import { hostname } from "node:os";
import { giveToProgram } from "../events/command.ts";
import type { SignedHead } from "./host-key.ts";

/** Brings a head to where it is kept; rejects when it did not get there. */
export type SendHead = (head: SignedHead, signal: AbortSignal) => Promise<void>;

const timeoutMs = 10_000;
/** Facility 13 is the audit's, severity 5 a notice. @see https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1 */
const priority = 13 * 8 + 5;

/**
 * Returns what sends heads to the place that the setting `audit.heads` names; undefined for none.
 *
 * A file gets a line of JSON more, syslog a message with it, a program the line on its input.
 */
export function headSender(place: string): SendHead | undefined {
  const path = place.slice(place.indexOf(":") + 1);
  if (place.startsWith("file:"))
    return (head) => appendFile(path, `${JSON.stringify(head)}\n`, { mode: 0o600 });
  if (place.startsWith("command:"))
    return (head, signal) => giveToProgram(path, { ...head }, signal);
  if (!place.startsWith("syslog:")) return undefined;
  const { protocol, hostname: host, port } = new URL(path);
  const at = { host: host.replace(/^\[|\]$/g, ""), port: Number(port || 514) };
  return protocol === "udp:" ? (head) => sendDatagram(head, at) : (head) => sendStream(head, at);
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** @see https://www.rfc-editor.org/rfc/rfc5424#section-6 */
function messageOf(head: SignedHead): string {
  const own =
    hostname()
      .replaceAll(/[^\x21-\x7e]/g, "-")
      .slice(0, 255) || "-";
  return `<${priority}>1 ${head.at} ${own} convergio - head - ${JSON.stringify(head)}`;
}

async function sendDatagram(head: SignedHead, { host, port }: Place): Promise<void> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.send(messageOf(head), port, host, (error) => (error ? reject(error) : resolve()));
    await promise;
  } finally {
    socket.close();
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc6587#section-3.4.1 */
async function sendStream(head: SignedHead, place: Place): Promise<void> {
  const message = Buffer.from(messageOf(head));
  const socket = connect(place);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    await once(socket, "connect", { signal });
    socket.end(Buffer.concat([Buffer.from(`${message.length} `), message]));
    socket.resume();
    await once(socket, "close", { signal });
  } finally {
    socket.destroy();
  }
}
