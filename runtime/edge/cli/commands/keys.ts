import type { Command } from "commander";
import { quote } from "#manifests/quote.ts";
import type { KeyView } from "../../../keys.ts";
import { quoteUntrusted, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { writeSecret } from "../files.ts";
import { wholeNumber } from "../numbers.ts";
import { ageText } from "../readable.ts";
import { table } from "../table.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

/** A key with its secret, which the host tells once. */
interface Made {
  readonly key: KeyView;
  readonly secret: string;
}

/** Adds `key` and everything below it. */
export const addKey: AddCommand = (parent, world) => {
  const key = parent.command("key").description("make and withdraw the keys of clients");
  for (const add of [addCreate, addList, addRotate, addRevoke]) add(key, world);
};

interface CreateOptions {
  readonly owner: string;
  readonly scope: readonly string[];
  readonly days?: number;
  readonly rate?: number;
  readonly out?: string;
}

const addCreate: AddCommand = (parent, world) => {
  const command: Command = parent
    .command("create")
    .description("make a key; its secret is printed once and kept nowhere")
    .argument("<name>", "what it is for")
    .requiredOption("--owner <who>", "person or program that will hold it")
    .requiredOption(
      "--scope <scope...>",
      "invoke[:plugin[:tool]], read, logs, install, keys, admin",
    )
    .option("--days <days>", "days until it expires", wholeNumber(1, 3_650))
    .option("--rate <count>", "requests a minute", wholeNumber(0, 1e9))
    .option("--out <file>", "write the secret to a new file (0600) and do not print it")
    .action((name: string, { owner, scope: scopes, days, rate, out }: CreateOptions) =>
      withDoor(world, async (door) => {
        const json = { name, owner, scopes, days, ratePerMinute: rate };
        await hand(world, await askJson<Made>(door, "POST", "/keys", { json }), out);
      }),
    );
  example(command, "convergio key create laptop --owner ada --scope invoke read --out ada.key");
};

const addRotate: AddCommand = (parent, world) => {
  const command = parent
    .command("rotate")
    .description("give a key a new secret; the old one works for a while more")
    .argument("<key>", "id of the key")
    .option(
      "--overlap <minutes>",
      "minutes that the old secret still works",
      wholeNumber(0, 10_080),
      60,
    )
    .option("--out <file>", "write the secret to a new file (0600) and do not print it")
    .action((id: string, { overlap, out }: { overlap: number; out?: string }) =>
      withDoor(world, async (door) => {
        const json = { overlapMinutes: overlap };
        await hand(
          world,
          await askJson<Made>(door, "POST", `${keyPath(id)}/rotate`, { json }),
          out,
        );
      }),
    );
  example(command, "convergio key rotate KEY-ID --overlap 30 --out ada.key");
};

const addRevoke: AddCommand = (parent, world) => {
  const command = parent
    .command("revoke")
    .description("make a key useless at once")
    .argument("<key>", "id of the key")
    .action((id: string) =>
      withDoor(world, async (door) => {
        const key = await askJson<KeyView>(door, "DELETE", keyPath(id));
        show(world, key, () => `${world.terminal.paint("green", "revoked")} ${untrustedName(id)}`);
      }),
    );
  example(command, "convergio key revoke KEY-ID");
};

const addList: AddCommand = (parent, world) => {
  const command = parent
    .command("list")
    .description("list the keys; secrets are never shown")
    .action(() =>
      withDoor(world, async (door) => {
        const { keys } = await askJson<{ keys: KeyView[] }>(door, "GET", "/keys");
        show(world, { keys }, () => listText(world, keys));
      }),
    );
  example(command, "convergio key list --json");
};

function keyPath(id: string): string {
  return `/keys/${encodeURIComponent(id)}`;
}

/** Gives a secret to its person: in a file that only they can read, or once on the output. */
async function hand(world: World, made: Made, out: string | undefined): Promise<void> {
  const { terminal } = world;
  const { key, secret } = made;
  if (out !== undefined) await writeSecret(out, secret);
  const shown = out === undefined ? made : { key, file: out };
  const scopes = key.scopes.map(untrustedName).join(" ");
  terminal.note(`key ${untrustedName(key.id)} of ${quoteUntrusted(key.owner)} may ${scopes}`);
  if (out === undefined) terminal.note("Its secret follows; it is not kept anywhere else.");
  show(world, shown, () => (out === undefined ? secret : `written to ${quote(out)}`));
}

function listText(world: World, keys: readonly KeyView[]): string {
  const now = world.now();
  const rows = keys.map((key) => [
    untrustedName(key.id),
    quoteUntrusted(key.owner, 24),
    quoteUntrusted(key.name, 24),
    key.scopes.map(untrustedName).join(" "),
    stateText(key, now),
    key.lastUsedAt === null ? "never" : `${ageText(key.lastUsedAt, now)} ago`,
  ]);
  return table(["KEY", "OWNER", "NAME", "SCOPES", "STATE", "USED"], rows);
}

function stateText({ revokedAt, expiresAt }: KeyView, now: number): string {
  if (revokedAt !== null) return "revoked";
  if (Date.parse(expiresAt) <= now) return "expired";
  return `expires in ${ageText(expiresAt, now)}`;
}
