import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot, startNode } from "./sandbox/process.ts";
import type { Prey } from "./sandbox/walls/attempts.ts";
import { breakOut, type Outcome } from "./sandbox/walls/break-out.ts";
import { raiseWall, type Trial, wallsOf } from "./sandbox/walls/raise.ts";

/** Which walls stand on this machine, and how every attempt to break out of them went. */
export interface BreakOuts {
  readonly standing: readonly string[];
  readonly trials: readonly Trial[];
  readonly outcomes: readonly Outcome[];
}

/** Tries to break each wall of this machine from inside, with prey that is set out for it. */
export async function tryBreakOuts(): Promise<BreakOuts> {
  const raised = await raiseWall(wallsOf(projectRoot), projectRoot, startNode);
  await using prey = await setOutPrey();
  const outcomes = await breakOut(raised.wall, raised.weaker, prey);
  return { standing: raised.standing, trials: raised.trials, outcomes };
}

/** A port that listens, a file and a folder, which are there only as long as they are tried. */
async function setOutPrey(): Promise<Prey & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "convergio-prey-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  await writeFile(file, "not to be read");
  const server = createServer((socket) => socket.destroy());
  undo.defer(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const held = undo.move();
  return {
    ...{ pid: process.pid, port, file, folder },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
