import { HostError } from "#manifests/errors.ts";
import type { SecretView } from "../../../vault/vault.ts";
import { untrustedName } from "../../../untrusted.ts";
import { ask, askJson } from "../ask.ts";
import { example } from "../example.ts";
import { readBounded } from "../files.ts";
import { ageText } from "../readable.ts";
import { table } from "../table.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

/** Bytes of a value, and a line break after it. */
const valueBytesMax = 65_538;

/** Adds `secret` and everything below it. */
export const addSecret: AddCommand = (parent, world) => {
  const secret = parent
    .command("secret")
    .description("keep secrets for plugins, which send them and do not see them");
  for (const add of [addSet, addList, addRemove]) add(secret, world);
};

interface SetOptions {
  readonly for?: readonly string[];
  readonly wildcard?: boolean;
  readonly force?: boolean;
  readonly file?: string;
}

const addSet: AddCommand = (parent, world) => {
  const command = parent
    .command("set")
    .description("set a secret; its value is asked for, or comes from a file or the standard input")
    .argument("<name>", "how you call it: lower-case letters, digits, . _ and -")
    .option("--for <origin...>", "where it may go; without any it can only be revealed")
    .option("--wildcard", "take https://*.domain, which means all names below it")
    .option("--file <file>", "read the value from a file; a line break at its end is not taken")
    .option("--force", "take a value that is like ordinary text; nobody looks for it then")
    .action((name: string, { for: audience = [], wildcard, force, file }: SetOptions) =>
      withDoor(world, async (door) => {
        const value = await readValue(world, name, file);
        const json = { value, audience, wildcard, force };
        const set = await askJson<SecretView>(door, "PUT", secretPath(name), { json });
        show(world, set, () => `${world.terminal.paint("green", "set")} ${lineOf(set)}`);
      }),
    );
  example(command, "convergio secret set github --for https://api.github.com --file token.txt");
};

const addList: AddCommand = (parent, world) => {
  const command = parent
    .command("list")
    .description("list the secrets; values are never shown")
    .action(() =>
      withDoor(world, async (door) => {
        const { secrets } = await askJson<{ secrets: SecretView[] }>(door, "GET", "/secrets");
        show(world, { secrets }, () => listText(world, secrets));
      }),
    );
  example(command, "convergio secret list --json");
};

const addRemove: AddCommand = (parent, world) => {
  const command = parent
    .command("remove")
    .description("forget a secret; plugins that were granted it can use it no more")
    .argument("<name>", "name of the secret")
    .action((name: string) =>
      withDoor(world, async (door) => {
        await ask(door, "DELETE", secretPath(name));
        const said = `${world.terminal.paint("green", "removed")} ${untrustedName(name)}`;
        show(world, { removed: name }, () => said);
      }),
    );
  example(command, "convergio secret remove github");
};

/** Never from an argument, which every user of the machine can read. @throws FILE_UNUSABLE, USAGE_INVALID */
async function readValue(world: World, name: string, file: string | undefined): Promise<string> {
  const { terminal } = world;
  if (file === undefined && terminal.isInteractive) {
    const typed = await terminal.askHidden(`Value of ${untrustedName(name)}`);
    if (typed !== undefined && typed !== "") return typed;
    throw new HostError("USAGE_INVALID", { argument: "the value", problem: "nothing was typed" });
  }
  const bytes = await (file === undefined
    ? terminal.readAll(valueBytesMax)
    : readBounded(file, valueBytesMax));
  return textOf(bytes).replace(/\r?\n$/, "");
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const problem = "it is not text in UTF-8";
    throw new HostError("USAGE_INVALID", { argument: "the value", problem }, { cause });
  }
}

function secretPath(name: string): string {
  return `/secrets/${encodeURIComponent(name)}`;
}

function lineOf({ name, version, audience, isWeak }: SecretView): string {
  const to = audience.length === 0 ? "nowhere; it can only be revealed" : audience.join(", ");
  const weak = isWeak ? "; like ordinary text, so that it is not looked for in answers" : "";
  return `${untrustedName(name)}, version ${version}, for ${to}${weak}`;
}

function listText(world: World, secrets: readonly SecretView[]): string {
  if (secrets.length === 0) return "No secrets; make one with `convergio secret set`";
  const now = world.now();
  const rows = secrets.map((secret) => [
    untrustedName(secret.name),
    secret.audience.length === 0 ? "(nowhere)" : secret.audience.map(untrustedName).join(" "),
    String(secret.version),
    `${ageText(secret.setAt, now)} ago`,
    secret.lastUsedAt === null
      ? "never"
      : `${secret.uses} times, ${ageText(secret.lastUsedAt, now)} ago`,
    secret.isWeak ? "like ordinary text" : "",
  ]);
  return table(["SECRET", "FOR", "VERSION", "SET", "USED", ""], rows);
}
