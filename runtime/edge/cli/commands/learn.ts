import { join, resolve } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import { readConfig } from "../../../config.ts";
import type { Call, Learned } from "../../../learn/learn.ts";
import { untrustedJson, untrustedLine, untrustedName } from "../../../untrusted.ts";
import { example } from "../example.ts";
import { factsOf, readBounded, throwawayFolder } from "../files.ts";
import { inputOf } from "../input.ts";
import { table } from "../table.ts";
import { type AddCommand, show, type World } from "../world.ts";

interface LearnOptions {
  readonly calls?: string;
  readonly config?: string;
}

/** Bytes of a file with calls, or with a configuration. */
const fileBytesMax = 16 * 2 ** 20;

/** Adds `plugin learn`. */
export const addLearn: AddCommand = (parent, world) => {
  const command = parent
    .command("learn")
    .description(
      "try a plugin in a home that is thrown away, and print the least it must be granted",
    )
    .argument("<source>", "folder with a manifest.json, a package (.tgz) or a module (.wasm)")
    .argument("[tool]", "tool to call; the samples in the package when left out")
    .argument("[input]", "text or JSON, @FILE for the content of a file, - for standard input")
    .option("--calls <file>", 'calls to make, a line each: {"tool": "fetch", "input": {…}}')
    .option("--config <file>", "configuration of the plugin, as JSON")
    .action((source: string, tool?: string, input?: string, options: LearnOptions = {}) =>
      run(world, { source, tool, input, ...options }),
    );
  example(command, `convergio plugin learn ./plugins/web-fetch page '{"title":"Earth"}'`);
};

interface Wanted extends LearnOptions {
  readonly source: string;
  readonly tool: string | undefined;
  readonly input: string | undefined;
}

async function run(world: World, wanted: Wanted): Promise<void> {
  const { path } = await factsOf(wanted.source);
  const calls = await callsOf(world, wanted);
  const config = wanted.config === undefined ? undefined : await readObject(wanted.config);
  const progress = world.terminal.progress("Starting a host");
  try {
    const learned = await inThrowawayHome(world, { path, calls, config }, progress.say);
    progress.end();
    show(world, learned, () => learnedText(world, learned));
  } finally {
    progress.end();
  }
}

/** With the settings of this home, so that proxies and limits are those of the real thing. */
async function inThrowawayHome(
  world: World,
  wish: { path: string; calls: readonly Call[]; config: Record<string, unknown> | undefined },
  onStep: (step: string) => void,
): Promise<Learned> {
  const { config } = await readConfig({ home: world.home(), environment: world.environment });
  await using folder = await throwawayFolder();
  await using host = await world.makeHost({ home: join(folder.path, "home"), config });
  const { learn } = await import("../../../learn/learn.ts");
  return await learn(host, { ...wish, path: resolve(wish.path), onStep });
}

async function callsOf({ terminal }: World, wanted: Wanted): Promise<readonly Call[]> {
  const { calls, tool, input } = wanted;
  if (calls !== undefined) {
    const lines = Buffer.from(await readBounded(calls, fileBytesMax))
      .toString()
      .split("\n");
    return lines.filter((line) => line.trim() !== "").map((line) => callOf(calls, line));
  }
  if (tool === undefined) return [];
  const readAll = terminal.readAll;
  const found = await inputOf(input, { encoding: "json", isJson: false, readAll });
  return found.kind === "json" ? [{ tool, input: found.value }] : [];
}

/** @throws USAGE_INVALID, JSON_INVALID */
function callOf(file: string, line: string): Call {
  const value = parseStrictJson(Buffer.from(line), { what: file, bytesMax: fileBytesMax });
  const { tool, input = null } = Object(value) as { tool?: unknown; input?: unknown };
  if (typeof tool === "string") return { tool, input };
  const problem = 'each line must be an object like {"tool": "fetch", "input": {}}';
  throw new HostError("USAGE_INVALID", { argument: "--calls", problem });
}

/** @throws USAGE_INVALID, JSON_INVALID, FILE_UNUSABLE */
async function readObject(file: string): Promise<Record<string, unknown>> {
  const bytes = await readBounded(file, fileBytesMax);
  const value = parseStrictJson(bytes, { what: file, bytesMax: fileBytesMax });
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new HostError("USAGE_INVALID", { argument: "--config", problem: "it must be an object" });
}

function learnedText({ terminal }: World, learned: Learned): string {
  const { asks, calls, refused, grants, plugin, version } = learned;
  const failed = calls.filter(({ code }) => code !== null);
  const colors = { all: "green", less: "yellow", unused: "yellow", "not tried": "red" } as const;
  const rows = asks.map(({ entry, need, least }) => [
    untrustedLine(entry),
    terminal.paint(colors[need], need),
    untrustedLine(least.join("; ")),
  ]);
  const answered = `${calls.length - failed.length} of ${calls.length} calls answered`;
  return [
    `${untrustedName(plugin)} ${untrustedName(version)}: ${answered}`,
    ...failed.map(({ tool, code }) => `  ${untrustedName(tool)} failed with ${code}`),
    ...(failed.length > 0 ? ["  What comes after a failure was not seen: it may need more."] : []),
    "",
    ...(rows.length === 0
      ? ["It asks for nothing."]
      : [table(["ASKED", "NEEDED", "THE LEAST"], rows)]),
    ...refused.map((each) => `refused: ${untrustedLine(each)}`),
    "",
    "The least that covers these calls, for `convergio plugin grants ID --set FILE`:",
    untrustedJson(grants, 2),
  ].join("\n");
}
