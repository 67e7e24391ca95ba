import { resolve } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { BackupView } from "../../../backup.ts";
import { ask, problemOf } from "../ask.ts";
import { type Door, ProblemError } from "../door.ts";
import { eventsOf } from "../events.ts";
import { example } from "../example.ts";
import { bytesShort } from "../readable.ts";
import type { Progress } from "../terminal.ts";
import { type AddCommand, show, withDoor } from "../world.ts";

/** Adds `backup`. */
export const addBackup: AddCommand = (parent, world) => {
  const command = parent
    .command("backup")
    .description("write all of the home into one file, while the host serves; no key is in it")
    .argument("<file>", "file that is not there yet")
    .action((file: string) =>
      withDoor(world, async (door) => {
        const progress = world.terminal.progress("Backup");
        const made = await backUp(door, resolve(file), progress).finally(() => progress.end());
        show(world, made, () => {
          const { files, bytes, path } = made;
          return `${files} files with ${bytesShort(bytes)} are in ${quote(path, 200)}`;
        });
      }),
    );
  example(command, "convergio backup /srv/backups/monday.tgz");
};

/** @throws ANSWER_INVALID, and ProblemError when the host refused */
async function backUp(door: Door, path: string, progress: Progress): Promise<BackupView> {
  const send = { json: { path }, accept: "text/event-stream" };
  const answer = await ask(door, "POST", "/backup", send);
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event === "error") throw new ProblemError(problemOf({ status: 500 }, Buffer.from(data)));
    if (event === "done") return JSON.parse(data) as BackupView;
    if (event !== "progress") continue;
    const { done, all } = JSON.parse(data) as { done: number; all: number };
    progress.at(`${bytesShort(done)} of ${bytesShort(all)}`, done, all);
  }
  throw new HostError("ANSWER_INVALID", { where: door.where, reason: "it ended too early" });
}
