import { dirname, resolve } from "node:path";
import type { DesiredKey, DesiredPlugin } from "#manifests/desired.ts";
import { HostError } from "#manifests/errors.ts";
import type { PluginView } from "../../../host.ts";
import { untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import type { Door } from "../door.ts";
import { readBounded, writeSecret } from "../files.ts";
import { decline, followInstall } from "../installing.ts";
import { pluginPath, type World } from "../world.ts";
import type { Step } from "./plan.ts";
import { writeSections } from "./settings-file.ts";

/** Where steps are carried out, and what they need to know. */
export interface Place {
  readonly world: World;
  readonly door: Door;
  /** The file that says how the host is to be: sources are seen from there. */
  readonly file: string;
  /** Folder where the secrets of new keys are written; they are printed when it is undefined. */
  readonly keysTo: string | undefined;
}

/** A package holds a module of at most 64 MiB and little else. */
const packageBytesMax = 96 * 2 ** 20;

/** Does one step. Whatever it throws, nothing is half done. @throws whatever the host refuses with */
export async function carryOut(place: Place, step: Step): Promise<void> {
  const { door, world } = place;
  switch (step.kind) {
    case "install":
      await install(place, step.plugin);
      return;
    case "grants": {
      const json = { ...step.grants, revision: step.revision };
      await askJson(door, "PUT", pluginPath(step.id, "/grants"), { json });
      return;
    }
    case "config":
      await askJson(door, "PUT", pluginPath(step.id, "/config"), { json: step.config });
      return;
    case "state":
      await askJson(door, "POST", pluginPath(step.id, `/${step.act}`));
      return;
    case "remove":
      await askJson(door, "DELETE", pluginPath(step.id));
      return;
    case "createKey":
      await createKey(place, step.key);
      return;
    case "revokeKey":
      await askJson(door, "DELETE", `/keys/${encodeURIComponent(step.id)}`);
      return;
    case "settings":
      await writeSections(world.home(), step.settings);
  }
}

/** @throws DIGEST_DIFFERS, ANSWER_INVALID */
async function install(
  { world, door, file }: Place,
  { id, digest, source, grants }: DesiredPlugin,
): Promise<PluginView> {
  const path = resolve(dirname(file), source ?? "");
  const send =
    door.kind === "remote"
      ? { bytes: await readBounded(path, packageBytesMax), contentType: "application/gzip" }
      : { json: { path } };
  const title = `Installing ${untrustedName(id)}`;
  const query = new URLSearchParams({ digest, downgrade: "true" });
  const begun = await followInstall(world, door, {
    ...{ method: "POST", path: `/plugins?${query}`, send, title },
  });
  if (begun.kind === "installed") return begun.plugin;
  const refuse = (reason: string): HostError =>
    new HostError("ANSWER_INVALID", { where: door.where, reason });
  if (begun.kind === "declined") throw refuse("nobody said no");
  // The digest says which package, and its manifest who it is: the file says for whom it is a yes.
  if (begun.ask.id !== id || begun.ask.digest !== digest) {
    await decline(door, begun);
    throw refuse(`it asks for ${untrustedName(begun.ask.id)} and not for ${untrustedName(id)}`);
  }
  const json = { consentId: begun.consentId, accept: true, ...(grants !== null && { grants }) };
  const done = await followInstall(world, door, {
    ...{ method: "PUT", path: `/requests/${begun.request}`, send: { json }, title },
  });
  if (done.kind === "installed") return done.plugin;
  throw refuse("it did not install");
}

async function createKey({ world, door, keysTo }: Place, key: DesiredKey): Promise<void> {
  const { secret } = await askJson<{ secret: string }>(door, "POST", "/keys", { json: key });
  const name = `${key.owner}-${key.name}`.replaceAll(/[^\w.-]/g, "_");
  if (keysTo === undefined)
    world.terminal.note(
      `the key ${untrustedName(key.owner)}/${untrustedName(key.name)}: ${untrustedName(secret)}`,
    );
  else await writeSecret(resolve(keysTo, `${name}.key`), secret);
}
