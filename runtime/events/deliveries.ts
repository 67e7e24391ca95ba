import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Config } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import type { Clock } from "../clock.ts";
import type { Home } from "../home.ts";
import { giveToProgram } from "./command.ts";
import type { Deliver } from "./outbox.ts";
import { createWebHook } from "./web-hook.ts";

/**
 * Returns what brings events to the places that the settings name; relative paths start at the home.
 *
 * @throws FILE_UNUSABLE when the secret of the web hook cannot be read
 */
export async function deliveriesOf(
  { url, command, secretFile }: Config["events"],
  { home, clock }: { readonly home: Pick<Home, "path">; readonly clock: Clock },
): Promise<Deliver[]> {
  const inHome = (path: string): string => (isAbsolute(path) ? path : join(home.path, path));
  const program: Deliver[] =
    command === null ? [] : [(event, signal) => giveToProgram(inHome(command), event, signal)];
  if (url === "") return program;
  const file = "the file of events.secretFile";
  if (secretFile === null)
    throw new HostError("FILE_UNUSABLE", { file, problem: "it is not named" });
  const text = await readFile(inHome(secretFile), "utf8").catch((cause: unknown) => {
    throw new HostError("FILE_UNUSABLE", { file, problem: "it cannot be read" }, { cause });
  });
  const secret = Buffer.from(text.trim());
  if (secret.length < 16)
    throw new HostError("FILE_UNUSABLE", { file, problem: "it holds under 16 characters" });
  return [...program, createWebHook({ url, secret, clock })];
}
