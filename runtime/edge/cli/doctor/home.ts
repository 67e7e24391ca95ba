import { type ConfigOptions, readConfig } from "../../../config.ts";
import { homeFiles } from "../../../environment.ts";
import { HostError } from "#manifests/errors.ts";
import { portHolder } from "../../http/port-holder.ts";
import { type FileFacts, factsOf } from "../files.ts";
import { answersAt, isPortFree } from "../wire-door.ts";
import { failed, type Finding, fine, warning } from "./finding.ts";

/** Returns what is found of a home and of the port that its host would take. */
export async function lookAtHome(sources: ConfigOptions): Promise<readonly Finding[]> {
  const { home } = sources;
  const files = homeFiles(home);
  const isLive = await answersAt(files.socket);
  return [
    fine("host", isLive ? "runs in this home" : "does not run in this home"),
    await folder(home),
    ...(await keyFile(files.key)),
    ...(await settings(sources, isLive)),
  ];
}

async function folder(home: string): Promise<Finding> {
  const facts = await factsIfThere(home);
  if (facts === undefined) return fine("home", `${home} will be made at the first use`);
  if (facts.kind !== "folder")
    return failed("home", `${home} is no folder`, "Name another one with --home");
  if (process.getuid !== undefined && facts.uid !== process.getuid())
    return failed("home", `${home} belongs to another user`, "Run as the user that owns the home");
  return closed("home", facts);
}

async function keyFile(path: string): Promise<readonly Finding[]> {
  const facts = await factsIfThere(path);
  return facts === undefined ? [] : [closed("first key", facts)];
}

function closed(name: string, { path, mode }: FileFacts): Finding {
  if ((mode & 0o077) === 0) return fine(name, `${path}, closed to other users`);
  const detail = `${path} is open to other users (${mode.toString(8)})`;
  return failed(name, detail, `Run \`chmod go= ${path}\``);
}

async function settings(sources: ConfigOptions, isLive: boolean): Promise<readonly Finding[]> {
  try {
    const { config } = await readConfig(sources);
    const { host, port } = config.server;
    const own = fine("settings", "in order");
    return isLive ? [own] : [own, await portFinding(host, port)];
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return [failed("settings", error.message, error.hint)];
  }
}

async function portFinding(host: string, port: number): Promise<Finding> {
  if (port === 0) return fine("port", "any that is free");
  if (await isPortFree(host, port)) return fine("port", `${port} is free`);
  const detail = `${port} is taken by ${await portHolder(port)}`;
  return warning("port", detail, "Stop it, or choose another port with `--port`");
}

function factsIfThere(path: string): Promise<FileFacts | undefined> {
  // What is not there yet is no fault of a home.
  return factsOf(path).catch(() => undefined);
}
