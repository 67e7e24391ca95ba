import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { type Config, optionSource, resolveConfig, type SettingKey } from "#manifests/config.ts";
import type { CallAnswer, CallRequest } from "#runtime/call.ts";
import type { Clock } from "#runtime/clock.ts";
import type { HostWish } from "#runtime/assemble.ts";
import { createHost, type Host, type PluginView } from "#runtime/host.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import { temporaryFolder } from "./home.ts";
import { wat } from "./wat.ts";

/** A host of a test's own, with a folder for what is installed; both go when it is disposed. */
export interface TestHost extends AsyncDisposable {
  readonly host: Host;
  readonly folder: string;
}

/** How a test's host differs from one that nobody has configured. */
export interface TestHostOptions {
  /** Settings as options of a command would spell them: `{"queues.wait": "200ms"}`. */
  readonly settings?: Readonly<Partial<Record<SettingKey, string>>>;
  readonly clock?: Clock;
  /** What is started in the place of runners. */
  readonly startRunner?: NonNullable<HostWish["startRunner"]>;
  /** What the disk has left; what it really has when left out. */
  readonly readRoom?: NonNullable<HostWish["readRoom"]>;
  /** Opens the files of the audit. */
  readonly openSegment?: NonNullable<HostWish["openSegment"]>;
  /** Looks names up for plugins. */
  readonly resolve?: NonNullable<HostWish["resolve"]>;
}

/** Starts a real host in a home that is not there yet. */
export async function openTestHost(options: TestHostOptions = {}): Promise<TestHost> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryFolder());
  const { host } = undo.use(await openHostIn(path, options));
  const held = undo.move();
  return { host, folder: path, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Starts a real host on the home in a folder, which stays when the host is disposed. */
export async function openHostIn(
  folder: string,
  { settings = {}, ...parts }: TestHostOptions = {},
): Promise<TestHost> {
  const home = join(folder, "home");
  const host = await createHost({ home, config: configOf(settings), ...parts });
  return { host, folder, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

function configOf(settings: NonNullable<TestHostOptions["settings"]>): Config {
  const texts = new Map(Object.entries(settings) as [SettingKey, string][]);
  return resolveConfig([optionSource(texts, (key) => `the test's ${key}`)]).config;
}

/** A guest to be installed. */
export interface Guest {
  /** What follows `local/`. */
  readonly id: string;
  /** WebAssembly text, or the bytes themselves. */
  readonly module: string | Uint8Array;
  /** Members of the manifest; without it the module is installed raw. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** Installs a guest as the home's owner who says yes to everything. */
export async function installGuest(to: TestHost, guest: Guest): Promise<PluginView> {
  const { id, module, manifest } = guest;
  const bytes = typeof module === "string" ? await wat(module) : module;
  const folder = join(to.folder, id);
  await mkdir(folder, { recursive: true });
  const path = manifest === undefined ? join(folder, `${id}.wasm`) : folder;
  await writeFile(join(folder, manifest === undefined ? `${id}.wasm` : "plugin.wasm"), bytes);
  if (manifest !== undefined) {
    const written = { manifest: 1, id, version: "1.0.0", description: "A guest", ...manifest };
    await writeFile(join(folder, "manifest.json"), JSON.stringify(written));
  }
  return to.host.install({
    caller: owner,
    source: { kind: "path", path },
    consent: async () => ({ by: owner }),
  });
}

/** Who calls, and how it ends early. */
export interface InvokeOptions {
  readonly caller?: Caller;
  readonly signal?: AbortSignal;
  readonly onEvent?: NonNullable<CallRequest["onEvent"]>;
}

/** An answer with its output as a value. */
export interface Answered extends CallAnswer {
  readonly value: unknown;
}

/** Calls a tool of `local/<id>` with a value; the owner is the caller unless another is named. */
export async function invoke(
  { host }: TestHost,
  id: string,
  tool: string,
  input: unknown = null,
  { caller = owner, ...options }: InvokeOptions = {},
): Promise<Answered> {
  const json = JSON.stringify(input);
  const plugin = `local/${id}`;
  const answer = await host.call({ caller, plugin, tool, input: { json }, ...options });
  return { ...answer, value: JSON.parse(Buffer.from(answer.output.bytes).toString()) };
}

/** Returns the code of the error that a call ends with, or `"ok"` when it is answered. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}

/** A caller with a key of its own that may call everything. */
export function callerNamed(id: string): Caller {
  return { kind: "key", id, owner: id, scopes: ["invoke"], ratePerMinute: 0 };
}

/** Returns the process numbers of all runners that this process has started, the spare one too. */
export function runnerPids(): readonly number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
  const pids = children.split(" ").filter((word) => word !== "");
  return pids
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("runner-main.ts"))
    .map(Number);
}
