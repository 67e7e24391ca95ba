import type { HostEvent } from "#manifests/events.ts";
import { untrustedLine, untrustedName } from "../../../untrusted.ts";
import { ask, askJson } from "../ask.ts";
import type { Door } from "../door.ts";
import { eventsOf } from "../events.ts";
import { example } from "../example.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

/** Adds `events`. */
export const addEvents: AddCommand = (parent, world) => {
  const command = parent
    .command("events")
    .description("show what an operator should hear of since the host started, newest last")
    .option("-f, --follow", "go on with new events until interrupted")
    .action(({ follow: goesOn }: { follow?: boolean }) =>
      withDoor(world, (door) => (goesOn ? follow : list)(world, door)),
    );
  example(command, "convergio events --follow");
};

async function list(world: World, door: Door): Promise<void> {
  const { events } = await askJson<{ events: HostEvent[] }>(door, "GET", "/events");
  const text = (): string => events.map((event) => eventText(world, event)).join("\n");
  show(world, { events }, () => text() || "No event");
}

async function follow(world: World, door: Door): Promise<void> {
  const path = "/events?follow=true";
  const answer = await ask(door, "GET", path, { accept: "text/event-stream" });
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event !== "event") continue;
    const told = JSON.parse(data) as HostEvent;
    show(world, told, () => eventText(world, told));
  }
}

function eventText({ terminal }: World, { at, kind, plugin, text, count }: HostEvent): string {
  const often = count > 1 ? ` (${count} times)` : "";
  const whose = plugin === null ? "" : `${untrustedName(plugin)}: `;
  const head = `${terminal.paint("dim", untrustedName(at))} ${untrustedName(kind).padEnd(11)}`;
  return `${head} ${whose}${untrustedLine(text)}${often}`;
}
