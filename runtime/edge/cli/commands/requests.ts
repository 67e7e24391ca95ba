import type { RequestView, Waiting } from "../../../consent/waiting.ts";
import { quoteUntrusted, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { consentText } from "../consent.ts";
import { addDecideOptions, type DecideOptions, decide } from "../deciding.ts";
import type { Door } from "../door.ts";
import { example } from "../example.ts";
import { decline, installedText } from "../installing.ts";
import { ageText } from "../readable.ts";
import { table } from "../table.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

type Shown = RequestView & Waiting;

/** Adds `requests` and everything below it. */
export const addRequests: AddCommand = (parent, world) => {
  const command = parent
    .command("requests")
    .description("show the installs that wait for your yes, and answer them");
  const all = command
    .command("list", { isDefault: true })
    .description("show the installs that wait for consent")
    .action(() => withDoor(world, (door) => list(world, door)));
  example(all, "convergio requests --json");
  const one = command
    .command("show")
    .description("show what one of them asks")
    .argument("<number>", "number of the request")
    .action((number: string) =>
      withDoor(world, async (door) => {
        const shown = await read(door, number);
        show(world, shown, () => consentText(shown.ask, world.terminal.paint));
      }),
    );
  example(one, "convergio requests show 3");
  const approve = command
    .command("approve")
    .description("answer one of them; without options you are asked")
    .argument("<number>", "number of the request")
    .action((number: string, options: DecideOptions) =>
      withDoor(world, async (door) => {
        const waiting = await read(door, number);
        const again = `convergio requests approve ${waiting.request} --yes`;
        const plugin = await decide(world, door, { waiting, options, again });
        show(world, plugin, () => installedText(world, plugin));
      }),
    );
  addDecideOptions(approve);
  example(approve, "convergio requests approve 3 --secret WIKI_TOKEN=wikimedia --yes");
  const deny = command
    .command("deny")
    .description("say no to one of them; nothing is installed")
    .argument("<number>", "number of the request")
    .action((number: string) =>
      withDoor(world, async (door) => {
        const waiting = await read(door, number);
        await decline(door, waiting);
        show(world, { request: waiting.request, denied: true }, () => {
          return `${world.terminal.paint("green", "denied")} ${untrustedName(waiting.plugin)}`;
        });
      }),
    );
  example(deny, "convergio requests deny 3");
};

function read(door: Door, number: string): Promise<Shown> {
  return askJson<Shown>(door, "GET", `/requests/${encodeURIComponent(number)}`);
}

async function list(world: World, door: Door): Promise<void> {
  const { requests } = await askJson<{ requests: RequestView[] }>(door, "GET", "/requests");
  show(world, { requests }, () => listText(world, requests));
}

function listText(world: World, requests: readonly RequestView[]): string {
  if (requests.length === 0) return "No install waits for consent";
  const now = world.now();
  const rows = requests.map((each) => [
    String(Number(each.number)),
    untrustedName(each.plugin),
    untrustedName(each.version),
    untrustedName(each.signer),
    quoteUntrusted(each.askedBy, 24),
    `${ageText(each.createdAt, now)} ago`,
    ageText(each.expiresAt, now),
  ]);
  return table(["NUMBER", "PLUGIN", "VERSION", "SIGNER", "ASKED BY", "ASKED", "EXPIRES IN"], rows);
}
