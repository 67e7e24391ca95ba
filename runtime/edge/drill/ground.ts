import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Config } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { type GrantsText, parseGrants } from "#manifests/grants.ts";
import { createHost, type Host, type PluginView } from "../../host.ts";
import type { Caller } from "../../keys.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { driller, drillMemory, practiceOf } from "./practice.ts";
import { openPrey, type Prey } from "./prey.ts";

/** Modules of the drills, by the names of their files. */
export type GuestName =
  | "mischief"
  | "asker"
  | "endless-start"
  | "foreign-global"
  | "foreign-import";

/** A hostile plugin that is to be installed. */
export interface HostilePlugin {
  /** What follows `local/`. */
  readonly id: string;
  readonly module: GuestName | Uint8Array;
  /** Names of its tools; more of the manifest in `manifest`. */
  readonly tools: readonly string[];
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** What the operator grants; nothing when left out. */
  readonly grants?: GrantsText;
}

/** Where drills are held: a host in a home of its own, which is gone afterwards. */
export interface Ground extends AsyncDisposable {
  readonly host: Host;
  readonly server: HttpServer;
  /** The operator's configuration, as it is outside the drill. */
  readonly config: Config;
  /** Absolute path of a folder that only drills use; the home lies in it. */
  readonly folder: string;
  readonly home: string;
  readonly prey: Prey;
  install(plugin: HostilePlugin): Promise<PluginView>;
  /** Writes a plugin's folder and returns its path. */
  write(plugin: HostilePlugin): Promise<string>;
  /** Calls a tool of `local/<id>`; its answer is text. */
  invoke(id: string, tool: string, input?: string, caller?: Caller): Promise<string>;
  /** Ends the host and starts it again on the same home. */
  restart(between: () => Promise<void>): Promise<void>;
}

/** Opens a ground. @param config the operator's own */
export async function openGround(config: Config): Promise<Ground> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "convergio-drill-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const prey = undo.use(await openPrey());
  const home = join(folder, "home");
  const live = { current: await openHost(home, config, prey) };
  undo.defer(() => live.current[Symbol.asyncDispose]());
  const write = (plugin: HostilePlugin): Promise<string> => writePlugin(folder, plugin);
  const held = undo.move();
  return {
    ...{ config, folder, home, prey, write },
    get host() {
      return live.current.host;
    },
    get server() {
      return live.current.server;
    },
    install: async (plugin) => {
      const path = await write(plugin);
      const grants = parseGrants(plugin.grants ?? { grants: 1 });
      return live.current.host.install({
        caller: driller,
        source: { kind: "path", path },
        consent: async () => ({ by: driller, grants }),
      });
    },
    invoke: async (id, tool, input = "", caller = driller) => {
      const plugin = `local/${id}`;
      const json = JSON.stringify(input);
      const { output } = await live.current.host.call({ caller, plugin, tool, input: { json } });
      return Buffer.from(output.bytes).toString();
    },
    restart: async (between) => {
      await live.current[Symbol.asyncDispose]();
      await between();
      live.current = await openHost(home, config, prey);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Returns the code of the error that an act ends with, or undefined when it succeeds. */
export async function codeOf(act: Promise<unknown>): Promise<string | undefined> {
  try {
    await act;
    return undefined;
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}

interface Opened extends AsyncDisposable {
  readonly host: Host;
  readonly server: HttpServer;
}

async function openHost(home: string, config: Config, { resolve }: Prey): Promise<Opened> {
  await using undo = new AsyncDisposableStack();
  const practice = practiceOf(config);
  // A host under attack says much of itself that is no news here.
  const log = pino({ level: "silent" }, { write: () => {} });
  const host = undo.use(
    await createHost({ home, config: practice, log, resolve, memory: drillMemory, isDrill: true }),
  );
  const server = createHttpServer(host, { host: "127.0.0.1", port: 0, graceMs: 0, logger: log });
  await server.listen();
  undo.defer(() => server.close());
  const held = undo.move();
  return { host, server, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function writePlugin(folder: string, plugin: HostilePlugin): Promise<string> {
  const { id, module, tools, manifest } = plugin;
  const path = join(folder, "plugins", id);
  await mkdir(path, { recursive: true });
  const bytes = typeof module === "string" ? await readFile(guestFile(module)) : module;
  await writeFile(join(path, "plugin.wasm"), bytes);
  const provides = { tools: tools.map((name) => ({ name, encoding: "text" })) };
  const own = { manifest: 1, id, version: "1.0.0", description: "An exercise", provides };
  await writeFile(join(path, "manifest.json"), JSON.stringify({ ...own, ...manifest }));
  return path;
}

function guestFile(name: GuestName): URL {
  return new URL(`guests/${name}.wasm`, import.meta.url);
}
