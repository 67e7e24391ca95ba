#!/usr/bin/env node
// Plain JavaScript that Node 18 can read: it finds the Node that the host needs and starts it.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import * as modules from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const nodeMajorMin = 26;
/** Without it, any process of the same user opens a debugger in the host with one signal. */
const hostFlags = ["--disable-sigusr1"];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, "runtime", "main.ts");
const main = existsSync(sources) ? sources : join(root, "runtime", "main.js");

if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) await runHere();
else startOther(findNode());

/** Runs the host in this process, after replacing its image when it was started without the flags. */
async function runHere() {
  const missing = hostFlags.filter((flag) => !process.execArgv.includes(flag));
  const args = [process.execPath, ...process.execArgv, ...missing, ...ownArgs()];
  if (missing.length > 0 && typeof process.execve === "function")
    process.execve(process.execPath, args, process.env);
  // Beside the sources, because whoever can write there can change the sources as well; in a place
  // that is not to be written, Node goes without.
  modules.enableCompileCache(join(root, "build", "compile-cache"));
  await import(pathToFileURL(main).href);
}

function ownArgs() {
  return [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
}

function findNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  return [...fetchedNodes(name), ...dependencyNode(name)].find((place) => existsSync(place));
}

/** What `make install` fetched into a checkout, newest first. */
function fetchedNodes(name) {
  const tools = join(root, ".tools");
  const folders = existsSync(tools) ? readdirSync(tools) : [];
  const { compare } = new Intl.Collator("en", { numeric: true });
  return ["", ...folders.filter((folder) => folder.startsWith("node-"))]
    .sort((a, b) => compare(b, a))
    .map((folder) => join(tools, folder, "node_modules", "node", "bin", name));
}

/** The optional dependency `node`, wherever the package manager put it. */
function dependencyNode(name) {
  try {
    const found = modules.createRequire(import.meta.url).resolve("node/package.json");
    return [join(dirname(found), "bin", name)];
  } catch {
    // It is optional, so that it is not there is an answer and not a fault.
    return [];
  }
}

function startOther(node) {
  if (node === undefined) return refuse();
  const child = spawn(node, [...hostFlags, ...ownArgs()], { stdio: "inherit" });
  // A terminal sends Ctrl-C to the child too; passing it on would count as a second, urgent signal.
  const heard = process.stdin.isTTY ? [] : ["SIGINT"];
  for (const signal of ["SIGTERM", "SIGHUP", "SIGQUIT", ...heard])
    process.on(signal, () => child.kill(signal));
  if (process.stdin.isTTY) process.on("SIGINT", () => {});
  child.on("error", (error) => {
    process.stderr.write(`error NODE_NOT_STARTED: Cannot start ${node}: ${error.message}\n`);
    process.exit(3);
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

function refuse() {
  process.stderr.write(
    `error NODE_TOO_OLD: Cannot start convergio: this is Node ${process.versions.node}, ` +
      `Node ${nodeMajorMin} or newer is needed\n` +
      "hint: In a checkout run `make install`; elsewhere run `npm install --global node@26`\n",
  );
  process.exit(3);
}
