import type { AskedEntry } from "../../consent/asked.ts";
import { untrustedName } from "../../untrusted.ts";
import { askJson } from "./ask.ts";
import { nameOf } from "./choosing.ts";
import type { Door } from "./door.ts";
import type { World } from "./world.ts";

const nameForm = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Whether a secret can be made for what is asked: it has to have hosts that it may go to. */
export function canBeMade({ verb, hosts }: AskedEntry): boolean {
  return verb === "see" || (hosts.length > 0 && !hosts.includes("*"));
}

/**
 * Asks for the name and the value of a secret, keeps it for the hosts that are asked for and no other, and
 * returns its name; undefined when the person leaves.
 */
export async function makeSecret(
  { terminal }: World,
  door: Door,
  asked: AskedEntry,
): Promise<string | undefined> {
  const proposed = nameOf(asked.entry).toLowerCase();
  const name = await terminal.ask("How do you call it?", proposed, (text) =>
    nameForm.test(text) ? undefined : "Write lower-case letters, digits, . _ and -",
  );
  if (name === undefined) return undefined;
  const value = await terminal.askHidden(`Value of ${untrustedName(name)}`);
  if (value === undefined || value === "") return undefined;
  const { hosts } = asked;
  const audience = asked.verb === "see" ? [] : hosts.map((host) => `https://${host}`);
  const wildcard = hosts.some((host) => host.startsWith("*."));
  const json = { value, audience, wildcard };
  await askJson(door, "PUT", `/secrets/${encodeURIComponent(name)}`, { json });
  return name;
}
