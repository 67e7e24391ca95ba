import { spawn } from "node:child_process";
import { once } from "node:events";
import { HostError } from "#manifests/errors.ts";

const timeoutMs = 30_000;

/**
 * Runs a program of the operator's with a value on its input, as one line of JSON.
 *
 * It is started without a shell and with nothing but a path in its environment, and gets 30 s.
 *
 * @param path  absolute; from the host's settings
 * @throws EVENT_UNDELIVERED when it cannot be started, takes too long or ends with another code than 0
 */
export async function giveToProgram(
  path: string,
  value: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const failed = (reason: string, cause?: unknown): HostError =>
    new HostError(
      "EVENT_UNDELIVERED",
      { event: String(value["id"] ?? "a head"), reason },
      { cause },
    );
  const child = spawn(path, [], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    killSignal: "SIGKILL",
  });
  // It need not read what it is given.
  child.stdin.on("error", () => {});
  child.stdin.end(`${JSON.stringify(value)}\n`);
  const [code] = await once(child, "close").catch((cause: unknown) => {
    throw failed("its program could not be run, or took longer than 30 s", cause);
  });
  if (code !== 0) throw failed(`its program ended with ${code}`);
}
