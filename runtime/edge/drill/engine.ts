import { broken, type Drill, held, type Outcome } from "./drill.ts";
import { codeOf, type Ground } from "./ground.ts";

/** How much later than its deadline a call may end, in milliseconds: a busy machine takes its time. */
const graceMs = 2_000;
const timeoutMs = 500;

const tools = [
  ...["answer", "spin", "fill", "recurse", "grow", "tables", "blocks", "vars", "logs", "output"],
  ...["beyond", "before", "negative", "twice"],
];
const limits = {
  ...{
    memory: "16MiB",
    timeout: `${timeoutMs}ms`,
    output: "64KiB",
    log: "16KiB",
    hostCalls: 1_000,
  },
};

/** Codes by which a guest is ended that takes too much of something. */
const stops = ["FUEL_EXHAUSTED", "DEADLINE_EXCEEDED", "MEMORY_EXHAUSTED", "PLUGIN_TRAPPED"];

/** Calls a tool of the mischief plugin, installed when it is not there yet. */
async function mischief(ground: Ground, tool: string): Promise<string> {
  const isThere = ground.host.plugins.list().some(({ id }) => id === "local/mischief");
  if (!isThere)
    await ground.install({ id: "mischief", module: "mischief", tools, manifest: { limits } });
  return ground.invoke("mischief", tool);
}

/** The host still answers others. */
async function neighborAnswers(ground: Ground): Promise<boolean> {
  const isThere = ground.host.plugins.list().some(({ id }) => id === "local/neighbor");
  if (!isThere) await ground.install({ id: "neighbor", module: "mischief", tools: ["answer"] });
  return (await ground.invoke("neighbor", "answer")) === '"held"';
}

/** A call that must end with one of some codes, in time, while others are served. */
function endsWith(tool: string, codes: readonly string[]): Drill["run"] {
  return async (ground) => {
    // What it takes to load the plugin is not part of the attack.
    await mischief(ground, "answer");
    const startedAt = performance.now();
    const code = await codeOf(mischief(ground, tool));
    const tookMs = Math.round(performance.now() - startedAt);
    if (code === undefined) return broken("the call was answered");
    if (!codes.includes(code)) return broken(`it ended with ${code}`);
    if (tookMs > timeoutMs + graceMs) return broken(`it ended with ${code} after ${tookMs} ms`);
    if (!(await neighborAnswers(ground))) return broken("another plugin is not served any more");
    return held(`${code} after ${tookMs} ms`);
  };
}

/** A call that looks by itself whether it got what it wanted, or is ended. */
function holds(tool: string): Drill["run"] {
  return async (ground) => {
    const answer = { text: "" };
    const code = await codeOf(
      mischief(ground, tool).then((text) => {
        answer.text = text;
      }),
    );
    if (code !== undefined && !stops.includes(code)) return broken(`it ended with ${code}`);
    if (code === undefined && answer.text !== '"held"') return broken(answer.text.slice(0, 80));
    if (!(await neighborAnswers(ground))) return broken("another plugin is not served any more");
    return held(code ?? "it was refused what it asked for");
  };
}

/** A forged handle: the call is ended, or gets nothing by it. */
function reachesNothing(tool: string): Drill["run"] {
  return async (ground) => {
    const answer = { text: "" };
    const code = await codeOf(
      mischief(ground, tool).then((text) => {
        answer.text = text;
      }),
    );
    if (code === undefined && answer.text !== '""')
      return broken(`it read ${answer.text.length} characters`);
    if (!(await neighborAnswers(ground))) return broken("another plugin is not served any more");
    return held(code ?? "it got nothing");
  };
}

async function floodLogs(ground: Ground): Promise<Outcome> {
  const code = await codeOf(mischief(ground, "logs"));
  const lines = await ground.host.plugins.logs("local/mischief", 1_000);
  const bytes = lines.reduce((sum, { text }) => sum + text.length, 0);
  if (bytes > 64 * 1024) return broken(`${bytes} bytes of lines were kept`);
  return held(`${lines.length} lines were kept; the call ended with ${code ?? "an answer"}`);
}

async function startEndlessly(ground: Ground): Promise<Outcome> {
  const startedAt = performance.now();
  const id = "endless-start";
  const manifest = { limits: { timeout: "2s" } };
  const code = await codeOf(
    ground
      .install({ id, module: "endless-start", tools: ["answer"], manifest })
      .then(() => ground.invoke(id, "answer")),
  );
  const tookMs = Math.round(performance.now() - startedAt);
  if (code !== "INIT_FAILED" && !stops.includes(code ?? ""))
    return broken(code ?? "it was answered");
  return held(`${code} after ${tookMs} ms, its install included`);
}

/** A module that must not be admitted. */
function refused(module: "foreign-global" | "foreign-import", code: string): Drill["run"] {
  return async (ground) => {
    const found = await codeOf(ground.install({ id: module, module, tools: ["answer"] }));
    return found === code ? held(found) : broken(found ?? "it was installed");
  };
}

/** Attacks on the time and the memory of the machine, from inside a guest. */
export const engineDrills: readonly Drill[] = [
  {
    name: "endless loop",
    rule: "A guest that never returns is stopped at its deadline",
    run: endsWith("spin", ["DEADLINE_EXCEEDED", "FUEL_EXHAUSTED"]),
  },
  {
    name: "endless start section",
    rule: "A module that never gets past its own beginning is stopped",
    run: startEndlessly,
  },
  {
    name: "bulk memory hog",
    rule: "An instruction that takes long is charged by its length",
    run: endsWith("fill", ["DEADLINE_EXCEEDED", "FUEL_EXHAUSTED"]),
  },
  {
    name: "recursion",
    rule: "A guest that calls itself for ever traps, and nothing else does",
    run: endsWith("recurse", stops),
  },
  {
    name: "memory bomb",
    rule: "Memory grows to the limit and no further",
    run: holds("grow"),
  },
  { name: "table bomb", rule: "Tables have a maximum of the host's", run: holds("tables") },
  {
    name: "kernel memory bomb",
    rule: "Blocks count as memory of the guest",
    run: endsWith("blocks", [...stops, "HOST_CALLS_EXHAUSTED"]),
  },
  {
    name: "variable flood",
    rule: "Variables have a bound",
    run: endsWith("vars", [...stops, "VARS_FULL"]),
  },
  { name: "log flood", rule: "A call logs so many bytes and no more", run: floodLogs },
  {
    name: "oversized output",
    rule: "An output over the limit is refused",
    run: endsWith("output", ["OUTPUT_TOO_LARGE"]),
  },
  {
    name: "block beyond the last",
    rule: "A handle reaches what is a block of this guest",
    run: reachesNothing("beyond"),
  },
  {
    name: "block before the first",
    rule: "The books of the kernel are out of a guest's reach",
    run: reachesNothing("before"),
  },
  {
    name: "negative handle",
    rule: "A handle is a number of a block, whatever its sign",
    run: reachesNothing("negative"),
  },
  {
    name: "block freed twice",
    rule: "No two blocks that live share a byte",
    run: holds("twice"),
  },
  {
    name: "global of the meter",
    rule: "A module cannot name what metering adds to it",
    run: refused("foreign-global", "MODULE_INVALID"),
  },
  {
    name: "foreign import",
    rule: "A module imports what a declared capability provides, and nothing else",
    run: refused("foreign-import", "IMPORT_REFUSED"),
  },
];
