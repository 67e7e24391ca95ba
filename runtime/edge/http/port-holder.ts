import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { get } from "node:http";
import { promisify } from "node:util";
import { untrustedName } from "../../untrusted.ts";

/** State of a listening socket in /proc/net/tcp. @see https://man7.org/linux/man-pages/man5/proc_pid_net.5.html */
const listening = "0A";
/** Milliseconds for the process on the port to answer; one on this machine needs few. */
const probeMs = 500;
const nobodyKnown = "another process";

/** Returns who listens on a port of this machine, in words, as far as this user may see it. */
export async function portHolder(port: number): Promise<string> {
  const [name, isConvergio] = await Promise.all([processOf(port), answersAsConvergio(port)]);
  if (!isConvergio) return name;
  return name === nobodyKnown ? "another convergio" : `another convergio, ${name}`;
}

async function processOf(port: number): Promise<string> {
  const found = process.platform === "linux" ? await fromProc(port) : await fromLsof(port);
  return found === undefined ? nobodyKnown : `${untrustedName(found.name)} (pid ${found.pid})`;
}

interface Found {
  readonly pid: number;
  readonly name: string;
}

async function fromProc(port: number): Promise<Found | undefined> {
  const tables = await Promise.all([textOf("/proc/net/tcp"), textOf("/proc/net/tcp6")]);
  const inodes = new Set(tables.flatMap((table) => inodesOf(table, port)));
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of inodes.size === 0 ? [] : pids)
    if (await holdsOne(pid, inodes))
      return { pid: Number(pid), name: (await textOf(`/proc/${pid}/comm`)).trim() };
  return undefined;
}

function inodesOf(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  const ours = rows.filter(([, local, , state]) => local?.endsWith(end) && state === listening);
  return ours.map((row) => `socket:[${row[9]}]`);
}

async function holdsOne(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  // Another user's process is closed to us; then nobody is named.
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => ""));
  return (await Promise.all(links)).some((link) => inodes.has(link));
}

async function fromLsof(port: number): Promise<Found | undefined> {
  const wanted = ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"];
  // Without lsof, or without the right to see, nobody is named.
  const output = await promisify(execFile)("lsof", wanted, { timeout: 2_000 }).catch(() => null);
  const pid = /^p(\d+)$/m.exec(output?.stdout ?? "")?.[1];
  const name = /^c(.+)$/m.exec(output?.stdout ?? "")?.[1];
  return pid === undefined || name === undefined ? undefined : { pid: Number(pid), name };
}

function answersAsConvergio(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const options = { host: "127.0.0.1", port, path: "/health/live", timeout: probeMs };
  const request = get(options, (response) => {
    resolve(response.headers["convergio-request-id"] !== undefined);
    response.destroy();
  });
  request.once("timeout", () => request.destroy());
  request.once("error", () => resolve(false));
  return promise;
}

/** The text of a file of the system; empty where there is none or it is closed to us. */
function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
