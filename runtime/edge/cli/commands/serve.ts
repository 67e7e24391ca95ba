import { resolve } from "node:path";
import type { Command } from "commander";
import { type Config, type ResolvedConfig, type SettingKey, settings } from "#manifests/config.ts";
import { type ConfigOptions, homeFiles, readConfig, rereadConfig } from "../../../config.ts";
import type { Host } from "../../../host.ts";
import { untrustedLine } from "../../../untrusted.ts";
import type { HttpServer } from "../../http/server.ts";
import { example } from "../example.ts";
import { exitCodes, report } from "../report.ts";
import { type AddCommand, show, type World } from "../world.ts";

interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindProxy?: readonly string[];
}

/** A host that answers, and what it was told. */
interface Serving {
  readonly host: Host;
  readonly server: HttpServer;
  readonly sources: ConfigOptions;
  /** What holds now; a reload replaces it. */
  readonly held: { resolved: ResolvedConfig };
}

/** Adds `serve`. */
export const addServe: AddCommand = (parent, world) => {
  const command: Command = parent
    .command("serve")
    .description("answer calls over HTTP until SIGTERM or Ctrl-C; SIGHUP reads the settings again")
    .option(
      "--host <address>",
      `address to listen on (default: ${settings["server.host"].default})`,
    )
    .option(
      "--port <port>",
      `port to listen on; 0 takes any that is free (default: ${settings["server.port"].default})`,
    )
    .option("--tls-cert <file>", "certificate chain in PEM")
    .option("--tls-key <file>", "private key in PEM")
    .option("--behind-proxy <cidr...>", "addresses of proxies whose forwarded headers are believed")
    .action((options: ServeOptions) => serve(world, flagsOf(options)));
  example(command, "convergio serve --port 8080");
};

function flagsOf(options: ServeOptions): ReadonlyMap<SettingKey, string> {
  const { host, port, tlsCert, tlsKey, behindProxy } = options;
  const given: readonly (readonly [SettingKey, string | undefined])[] = [
    ["server.host", host],
    ["server.port", port],
    ["server.tlsCert", tlsCert === undefined ? undefined : resolve(tlsCert)],
    ["server.tlsKey", tlsKey === undefined ? undefined : resolve(tlsKey)],
    ["server.behindProxy", behindProxy?.join(",")],
  ];
  return new Map(given.filter((entry): entry is [SettingKey, string] => entry[1] !== undefined));
}

async function serve(world: World, flags: ReadonlyMap<SettingKey, string>): Promise<void> {
  const home = world.home();
  const sources = { home, environment: world.environment, flags };
  const resolved = await readConfig(sources);
  await using host = await world.makeHost({ home, config: resolved.config });
  const server = await createServer(home, host, resolved.config);
  await server.listen();
  const serving: Serving = { host, server, sources, held: { resolved } };
  using _ = world.signals.on("SIGHUP", () => void reload(world, serving));
  announce(world, server.url);
  const signal = await firstStop(world);
  world.terminal.note(`${signal}: taking no new calls, waiting for those that run`);
  await server.close();
}

async function createServer(home: string, host: Host, { server }: Config): Promise<HttpServer> {
  // Only here, because it brings fastify with it.
  const { createHttpServer } = await import("../../http/server.ts");
  const { tlsCert, tlsKey } = server;
  return createHttpServer(host, {
    host: server.host,
    port: server.port,
    socketPath: homeFiles(home).socket,
    ...(tlsCert === null || tlsKey === null
      ? {}
      : { tls: { certFile: resolve(home, tlsCert), keyFile: resolve(home, tlsKey) } }),
    behindProxy: server.behindProxy,
    allowedHosts: server.allowedHosts,
    allowedOrigins: server.allowedOrigins,
    uploadBytesMax: server.uploadBytes,
    graceMs: server.drainMs,
  });
}

/** Says where the host is and how to call it; the key itself is never printed. */
function announce(world: World, url: string): void {
  const { terminal } = world;
  const { key } = homeFiles(world.home());
  const keyText = /^[\w@%+=:,./-]+$/.test(key) ? key : `'${key.replaceAll("'", `'\\''`)}'`;
  if (world.options().json) show(world, { url, keyFile: key }, () => "");
  terminal.note(`${terminal.paintNote("green", "listening")} on ${url}`);
  terminal.note(`try: curl -H "authorization: Bearer $(cat ${keyText})" ${url}/plugins`);
}

/** Returns the first signal that asks to stop; a second one ends the process at once. */
function firstStop({ signals, terminal, exit }: World): Promise<string> {
  const { promise, resolve: stop } = Promise.withResolvers<string>();
  const seen = { count: 0 };
  for (const name of ["SIGTERM", "SIGINT"] as const)
    signals.on(name, () => {
      seen.count++;
      if (seen.count === 1) return stop(name);
      terminal.note(`${name} again: stopping at once`);
      exit(exitCodes.fault);
    });
  return promise;
}

/** Applies the settings read again, all or nothing: a fault in them leaves everything as it was. */
async function reload(world: World, serving: Serving): Promise<void> {
  const { terminal } = world;
  const { held, server, sources } = serving;
  try {
    const { resolved, needsRestart } = await rereadConfig(held.resolved.config, sources);
    server.reloadTls();
    held.resolved = resolved;
    terminal.note(`${terminal.paintNote("green", "reloaded")} ${untrustedLine(sources.home)}`);
    if (needsRestart.length > 0)
      terminal.note(`these hold after a restart only: ${needsRestart.join(", ")}`);
  } catch (error) {
    report(error, terminal, { json: false });
    terminal.note("the settings from before the reload still hold");
  }
}
