/** The program that tries one way out of a runner, as a guest that has escaped the engine would. */
import { writeSync } from "node:fs";
import { attempts, type Prey } from "./attempts.ts";
import { nativeCalls } from "./native.ts";

const [, , name = "", prey = "{}"] = process.argv;

/** Says how it went: `held CODE`, or `broken`; a process that says nothing was ended by the kernel. */
function say(words: string): never {
  writeSync(1, words);
  process.exit(0);
}

/** The code that it was refused with, also where the refusal came later and to nobody. */
function sayHeld(error: unknown): never {
  const { code, name: kind } = error as NodeJS.ErrnoException;
  say(`held ${code ?? kind}`);
}

process.on("uncaughtException", sayHeld);
try {
  const attempt = attempts.find((each) => each.name === name);
  if (attempt === undefined) say("unknown");
  await attempt.act(JSON.parse(prey) as Prey, nativeCalls);
  say("broken");
} catch (error) {
  sayHeld(error);
}
