import { once } from "node:events";
import { nodeWall, type SandboxedProcess, startNode } from "../process.ts";
import { type Attempt, attempts, type Prey } from "./attempts.ts";
import type { Wall, WallName } from "./wall.ts";

/** How long one attempt may take, in milliseconds; it needs a tenth of a second. */
const attemptMs = 10_000;
/** Attempts at one time: each is a process. */
const atOnce = 2;
/** Longest answer of an attempt, in characters. */
const answerMax = 200;
/** Of Node, where its own wall is not tried. */
const bareFlags = ["--disable-sigusr1", "--no-warnings"];

/** How one attempt went. */
export interface Outcome {
  readonly attempt: string;
  /** What stood in its way. */
  readonly wall: WallName;
  readonly held: boolean;
  /** What it was refused with, or what came of it; untrusted. */
  readonly detail: string;
}

/**
 * Tries to break out of each wall that stands, each of them tried apart.
 *
 * An attempt runs against the walls that promise to hold it and no others: where none does, it is
 * known to succeed, and is not made.
 *
 * @param wall     the one that runners are behind
 * @param weaker   others that stand and give less, so that what they give can be tried alone
 */
export async function breakOut(
  wall: Wall,
  weaker: readonly Wall[],
  prey: Prey,
): Promise<readonly Outcome[]> {
  const tries = attempts.flatMap((attempt) =>
    attempt.heldBy.flatMap((name) => {
      const alone = [...weaker].reverse().find(({ gives }) => gives.includes(name));
      const by = name === "node-permission" || wall.gives.includes(name) ? (alone ?? wall) : null;
      return by === null ? [] : [{ attempt, name, by }];
    }),
  );
  const outcomes: Outcome[] = [];
  const waiting = tries.values();
  const work = async (): Promise<void> => {
    for (const { attempt, name, by } of waiting) {
      const flags = name === "node-permission" ? nodeWall(by.root) : bareFlags;
      const { held, detail } = await tryOne(by, flags, attempt, prey);
      outcomes.push({ attempt: attempt.name, wall: name, held, detail });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

async function tryOne(
  wall: Wall,
  flags: readonly string[],
  attempt: Attempt,
  prey: Prey,
): Promise<Pick<Outcome, "held" | "detail">> {
  const program = `${wall.root}runtime/sandbox/walls/attempt-main.ts`;
  const child = startNode(wall, [...flags, program, attempt.name, JSON.stringify(prey)]);
  const timer = setTimeout(() => child.kill("SIGKILL"), attemptMs);
  try {
    return judge(await answerOf(child));
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf(child: SandboxedProcess): Promise<{ said: string; how: string }> {
  const heard = { said: "", words: "" };
  child.stdout?.on("data", (chunk: Buffer) => {
    heard.said = (heard.said + chunk.toString()).slice(0, answerMax);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    heard.words = (heard.words + chunk.toString()).slice(-answerMax);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  // A wall in front of it says 128 and the number of the signal.
  const isSigsys = signal === "SIGSYS" || code === 159;
  return {
    said: heard.said,
    how: isSigsys ? "SIGSYS" : `${signal ?? code} ${heard.words}`.trim(),
  };
}

function judge({ said, how }: { said: string; how: string }): Pick<Outcome, "held" | "detail"> {
  if (said.startsWith("held ")) return { held: true, detail: said.slice("held ".length) };
  if (said === "" && how === "SIGSYS") return { held: true, detail: "ended by the kernel" };
  // Neither a refusal nor an end by the kernel proves that anything held.
  return { held: false, detail: said === "broken" ? "it succeeded" : `no proof: ${said || how}` };
}
