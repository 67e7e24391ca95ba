import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { homeFiles, isLoopback } from "../../environment.ts";
import type { Door } from "./door.ts";
import { factsOf, readBounded, unusable } from "./files.ts";
import { answersAt, createWireDoor } from "./wire-door.ts";
import type { World } from "./world.ts";

/** A key is under 100 characters; a file with more holds something else. */
const secretBytesMax = 4_096;
const secretForm = /^[\x21-\x7e]{8,512}$/;

/** Milliseconds that a command waits for a home that another command has; most take under one. */
const waitMs = 5_000;
const pollMs = 100;

/**
 * Returns the way to a host: the address given, else the host that runs in the home, else one in
 * this process for as long as the command takes.
 *
 * @throws USAGE_INVALID, FILE_UNUSABLE, and what starting a host throws
 */
export async function openDoor(world: World): Promise<Door> {
  const { home, url = world.environment.url } = world.options();
  // A home named with the command outweighs an address in the environment.
  if (url !== undefined && (home === undefined || world.options().url !== undefined))
    return openRemote(world, url);
  return openLocal(world);
}

/** Another command may have the home for a moment; it is free soon, or a host answers there. */
async function openLocal(world: World): Promise<Door> {
  const { socket } = homeFiles(world.home());
  for (const started = world.now(); ; await sleep(pollMs)) {
    if (await answersAt(socket)) return createWireDoor({ kind: "live", at: { socket } });
    try {
      // Only here, because it brings the whole host with it.
      const { createInsideDoor } = await import("./inside-door.ts");
      return await createInsideDoor(world);
    } catch (error) {
      const isBusy = error instanceof HostError && error.code === "HOME_IN_USE";
      if (!isBusy || world.now() - started > waitMs) throw error;
    }
  }
}

async function openRemote(world: World, address: string): Promise<Door> {
  const url = parseAddress(address);
  const { keyFile = world.environment.keyFile, plainHttp = false } = world.options();
  if (keyFile === undefined) return createWireDoor({ kind: "remote", at: { url } });
  const isNear = isLoopback(url.hostname.replace(/^\[|\]$/g, ""));
  if (url.protocol === "http:" && !isNear && !plainHttp)
    throw new HostError("USAGE_INVALID", {
      argument: "--url",
      problem: "the key would travel unencrypted; use https://, or --plain-http to allow it",
    });
  const secret = await readSecret(world, keyFile);
  return createWireDoor({ kind: "remote", at: { url }, secret });
}

function parseAddress(address: string): URL {
  const url = URL.parse(address);
  const isWeb = url?.protocol === "http:" || url?.protocol === "https:";
  if (url !== null && isWeb && url.username === "" && url.search === "" && url.hash === "")
    return url;
  throw new HostError("USAGE_INVALID", {
    argument: "--url",
    problem: `it must be an address such as https://host.example:8443, found ${quote(address)}`,
  });
}

async function readSecret({ terminal }: World, file: string): Promise<string> {
  const { mode } = await factsOf(file);
  if ((mode & 0o077) !== 0)
    terminal.note(
      `${terminal.paintNote("yellow", "warning:")} other users of this machine can read ` +
        `${quote(file)}; run \`chmod 600\` on it`,
    );
  const secret = Buffer.from(await readBounded(file, secretBytesMax))
    .toString("utf8")
    .trim();
  if (secretForm.test(secret)) return secret;
  throw unusable(file, "it must hold the secret of one key and nothing else");
}
