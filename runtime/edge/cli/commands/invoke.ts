import { HostError } from "#manifests/errors.ts";
import { bytesText } from "#manifests/units.ts";
import type { Usage } from "../../../call.ts";
import type { PluginView } from "../../../host.ts";
import {
  quoteUntrusted,
  untrustedJson,
  untrustedLine,
  untrustedLines,
  untrustedName,
} from "../../../untrusted.ts";
import { ask, askJson, bodyOf, problemOf } from "../ask.ts";
import { type Door, ProblemError, type Send } from "../door.ts";
import { eventsOf } from "../events.ts";
import { example } from "../example.ts";
import { writeOutput } from "../files.ts";
import { inputOf } from "../input.ts";
import { bytesShort, countText, millisecondsText } from "../readable.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

interface InvokeOptions {
  readonly jsonInput?: boolean;
  readonly usage?: boolean;
  readonly out?: string;
  readonly logs?: boolean;
}

interface Wanted extends InvokeOptions {
  readonly id: string;
  readonly words: readonly string[];
}

type Tool = PluginView["tools"][number];

interface Answered {
  readonly output: unknown;
  readonly callId: string;
  readonly usage: Usage;
}

/** Adds `plugin invoke`. */
export const addInvoke: AddCommand = (parent, world) => {
  const command = parent
    .command("invoke")
    .description("call a tool of a plugin and print what it answers")
    .argument("<id>", "id of the plugin, or id@version")
    .argument("[tool]", "tool to call; may be left out when the plugin has one")
    .argument("[input]", "text or JSON, @FILE for the content of a file, - for standard input")
    .option("--json-input", "refuse input that is not JSON, and send it as JSON to every tool")
    .option("--usage", "print what the call cost, beside the output")
    .option("--logs", "print what the plugin logs while it runs, beside the output")
    .option("--out <file>", "write the output to a file")
    .action((id: string, first: string | undefined, second: string | undefined, options) =>
      withDoor(world, (door) => {
        const words = [first, second].filter((word) => word !== undefined);
        return invoke(world, door, { id, words, ...(options as InvokeOptions) });
      }),
    );
  example(command, `convergio plugin invoke local/vowels count_vowels "Hello"`);
};

async function invoke(world: World, door: Door, wanted: Wanted): Promise<void> {
  const tools = await toolsOf(door, wanted.id);
  const { tool, word } = toolAndInput(tools, wanted.words);
  const input = await inputOf(word, {
    encoding: tools?.find(({ name }) => name === tool)?.encoding,
    isJson: wanted.jsonInput ?? false,
    readAll: world.terminal.readAll,
  });
  if (input.kind === "bytes")
    return invokeBytes(world, door, { ...wanted, tool, bytes: input.bytes });
  const json = { ...(tool === undefined ? {} : { tool }), input: input.value };
  const path = pluginPath(wanted.id, "/invoke");
  const answer = wanted.logs
    ? await followed(world, door, { path, json })
    : await askJson<Answered>(door, "POST", path, { json });
  if (wanted.usage) world.terminal.note(usageText(answer.usage, answer.callId));
  if (wanted.out !== undefined)
    return writeOutput(wanted.out, `${outputText(answer.output, false)}\n`);
  show(world, answer, () => outputText(answer.output, world.terminal.isScreen));
}

/** Returns the tools of a plugin; a key that may only invoke does not see them. */
async function toolsOf(door: Door, id: string): Promise<readonly Tool[] | undefined> {
  const bare = id.replace(/@.*$/, "");
  try {
    return (await askJson<PluginView>(door, "GET", pluginPath(bare))).tools;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 403) return undefined;
    throw error;
  }
}

/**
 * One word is the tool when there is one of this name, else the input of the only tool.
 *
 * @throws USAGE_INVALID
 */
function toolAndInput(tools: readonly Tool[] | undefined, words: readonly string[]) {
  const [first, second] = words;
  if (second !== undefined || first === undefined || tools === undefined)
    return { tool: first ?? onlyTool(tools), word: second };
  if (tools.some(({ name }) => name === first)) return { tool: first, word: undefined };
  const only = onlyTool(tools);
  if (only !== undefined) return { tool: only, word: first };
  const names = tools.map(({ name }) => untrustedName(name)).join(", ");
  throw new HostError("USAGE_INVALID", {
    argument: quoteUntrusted(first, 40),
    problem: `the plugin has no such tool; it has ${names}`,
  });
}

function onlyTool(tools: readonly Tool[] | undefined): string | undefined {
  return tools?.length === 1 ? tools[0]?.name : undefined;
}

interface Followed {
  readonly path: string;
  readonly json: unknown;
}

/**
 * Returns what a call answers, after showing what it says while it runs.
 *
 * @throws ANSWER_INVALID, and ProblemError when the host or the plugin failed
 */
async function followed({ terminal }: World, door: Door, call: Followed): Promise<Answered> {
  const send = { json: call.json, accept: "text/event-stream" };
  const answer = await ask(door, "POST", call.path, send);
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event === "output") return JSON.parse(data) as Answered;
    if (event === "error") throw new ProblemError(problemOf({ status: 500 }, Buffer.from(data)));
    if (event === "log" || event === "progress") {
      const said = JSON.parse(data) as { level?: string; text: string };
      terminal.note(`${untrustedName(said.level ?? event)} ${untrustedLine(said.text)}`);
    }
  }
  const reason = "it ended without an output";
  throw new HostError("ANSWER_INVALID", { where: door.where, reason });
}

interface BytesCall extends Wanted {
  readonly tool: string | undefined;
  readonly bytes: Uint8Array;
}

async function invokeBytes(world: World, door: Door, call: BytesCall): Promise<void> {
  const query = call.tool === undefined ? "" : `?tool=${encodeURIComponent(call.tool)}`;
  const send: Send = {
    bytes: call.bytes,
    contentType: "application/octet-stream",
    accept: "application/octet-stream",
  };
  const answer = await ask(door, "POST", pluginPath(call.id, `/invoke${query}`), send);
  const bytes = await bodyOf(door, answer);
  const callId = answer.headers["convergio-call-id"] ?? "";
  const usage = answer.headers["convergio-usage"];
  if (call.usage && usage !== undefined)
    world.terminal.note(usageText(JSON.parse(usage) as Usage, callId));
  if (call.out !== undefined) return writeOutput(call.out, bytes);
  if (world.terminal.isScreen)
    return world.terminal.note(
      `${bytesText(bytes.byteLength)} of output; write it with --out FILE`,
    );
  world.terminal.result(bytes);
}

function outputText(output: unknown, isScreen: boolean): string {
  if (!isScreen) return untrustedJson(output);
  return typeof output === "string" ? untrustedLines(output) : untrustedJson(output, 2);
}

function usageText(usage: Usage, callId: string): string {
  const parts = [
    `fuel ${countText(usage.fuel)}`,
    `time ${millisecondsText(usage.wallMs)}`,
    `memory ${bytesShort(usage.memoryBytes)}`,
    `host calls ${countText(usage.hostCalls)}`,
    `call ${untrustedName(callId)}`,
  ];
  return parts.join(" · ");
}
