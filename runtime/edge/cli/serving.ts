import { resolve } from "node:path";
import { type Logger, pino } from "pino";
import { type Config, type ResolvedConfig, type SettingKey, valueIn } from "#manifests/config.ts";
import { type ConfigOptions, readConfig, rereadConfig } from "../../config.ts";
import { homeFiles } from "../../environment.ts";
import type { Host } from "../../host.ts";
import { untrustedLine } from "../../untrusted.ts";
import { weakness } from "../../walls.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { exitCodes, report } from "./report.ts";
import { show, type World } from "./world.ts";

/** What `serve` is told on the command line. */
export interface ServeOptions {
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

/**
 * Answers over HTTP until a signal ends it.
 *
 * @throws SETTINGS_INVALID, and what making a host and listening throw
 */
export async function serve(world: World, options: ServeOptions): Promise<void> {
  const home = world.home();
  const flags = flagsOf(options);
  const sources = { home, environment: world.environment, flags };
  const resolved = await readConfig(sources);
  const log = pino({ level: resolved.config.log.level });
  await using host = await world.makeHost({
    ...{ home, config: resolved.config, log, keyPlaces: world.environment.keyPlaces },
  });
  const server = createServer(home, host, resolved.config, log);
  await server.listen();
  const serving: Serving = { host, server, sources, held: { resolved } };
  using _ = world.signals.on("SIGHUP", () => void reload(world, serving));
  // Heard before anybody is told that there is something to stop.
  const stopped = firstStop(world);
  announce(world, server.url);
  warnOfWalls(world, host);
  const signal = await stopped;
  world.terminal.note(`${signal}: taking no new calls, waiting for those that run`);
  await server.close();
}

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

function createServer(home: string, host: Host, config: Config, logger: Logger): HttpServer {
  const { server, log } = config;
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
    allowedAddresses: server.allowedAddresses,
    refusedAddresses: server.refusedAddresses,
    bodyBytesMax: server.bodyBytes,
    uploadBytesMax: server.uploadBytes,
    logRequests: log.requests,
    graceMs: server.drainMs,
    logger,
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

/** Says in one line what does not stand around runners; nothing where the best does. */
function warnOfWalls({ terminal }: World, { walls }: Host): void {
  const weak = weakness(walls);
  if (weak !== undefined)
    terminal.note(`${terminal.paintNote("yellow", "warning:")} ${untrustedLine(weak)}`);
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
  const { held, host, server, sources } = serving;
  try {
    const { resolved, needsRestart } = await rereadConfig(held.resolved.config, sources);
    // Their content is read again; other files in their place need other doors.
    const movedFiles = (["server.tlsCert", "server.tlsKey"] as const).filter(
      (key) => valueIn(held.resolved.config, key) !== valueIn(resolved.config, key),
    );
    server.reloadTls();
    const { drainMs: graceMs, ...doors } = resolved.config.server;
    server.configure({ ...doors, graceMs });
    host.configure(resolved.config);
    held.resolved = resolved;
    terminal.note(`${terminal.paintNote("green", "reloaded")} ${untrustedLine(sources.home)}`);
    const late = [...needsRestart, ...movedFiles];
    if (late.length > 0) terminal.note(`these hold after a restart only: ${late.join(", ")}`);
  } catch (error) {
    report(error, terminal, { json: false });
    terminal.note("the settings from before the reload still hold");
  }
}
