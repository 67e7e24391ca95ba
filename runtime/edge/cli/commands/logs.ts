import type { LogLine } from "../../../host.ts";
import { untrustedLine, untrustedName } from "../../../untrusted.ts";
import { ask, askJson } from "../ask.ts";
import type { Door } from "../door.ts";
import { eventsOf } from "../events.ts";
import { example } from "../example.ts";
import { wholeNumber } from "../numbers.ts";
import type { Paint } from "../terminal.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

interface LogsOptions {
  readonly follow?: boolean;
  readonly limit: number;
}

const paints: Readonly<Record<string, Paint>> = { error: "red", warn: "yellow", trace: "dim" };

/** Adds `plugin logs`. */
export const addLogs: AddCommand = (parent, world) => {
  const command = parent
    .command("logs")
    .description("show what a plugin logged, oldest first")
    .argument("<id>", "id of the plugin")
    .option("-f, --follow", "go on with new lines until interrupted")
    .option("--limit <count>", "the newest so many lines", wholeNumber(1, 1_000), 100)
    .action((id: string, options: LogsOptions) =>
      withDoor(world, (door) => (options.follow ? follow : once)(world, door, { id, ...options })),
    );
  example(command, "convergio plugin logs local/vowels --follow");
};

interface Wanted extends LogsOptions {
  readonly id: string;
}

async function once(world: World, door: Door, { id, limit }: Wanted): Promise<void> {
  const path = pluginPath(id, `/logs?limit=${limit}`);
  const { lines } = await askJson<{ lines: LogLine[] }>(door, "GET", path);
  show(world, { lines }, () => lines.map((line) => lineText(world, line)).join("\n") || "No line");
}

async function follow(world: World, door: Door, { id, limit }: Wanted): Promise<void> {
  const path = pluginPath(id, `/logs?limit=${limit}&follow=true`);
  const answer = await ask(door, "GET", path, { accept: "text/event-stream" });
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event !== "log") continue;
    const line = JSON.parse(data) as LogLine;
    show(world, line, () => lineText(world, line));
  }
}

function lineText({ terminal }: World, { at, level, text }: LogLine): string {
  const paint = paints[level];
  const shown = untrustedLine(text);
  const head = `${terminal.paint("dim", untrustedName(at))} ${untrustedName(level).padEnd(5)}`;
  return `${head} ${paint === undefined ? shown : terminal.paint(paint, shown)}`;
}
