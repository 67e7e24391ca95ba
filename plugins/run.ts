/** Starts a host with the example plugins, and prints a line to try: what `make run` does. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "bin/convergio.js");
const { values } = parseArgs({
  options: { home: { type: "string", default: join(root, ".home") }, port: { type: "string" } },
});
const home = resolve(values.home);
/** Installed in this order: a plugin that calls another comes after it. */
const order = ["vowels"];

const port = values.port ?? "7700";
const host = spawn(process.execPath, [command, "serve", "--home", home, "--port", port], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => host.kill(signal));
host.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));

await isUp(host);
for (const id of builtPlugins()) {
  await promisify(execFile)(process.execPath, [
    ...[command, "plugin", "install", join(root, "plugins", id)],
    ...["--yes", "--home", home],
  ]);
  console.log(`installed ${id}`);
}
const body = '{"tool":"count_vowels","input":"hello world"}';
console.log(
  `\ntry:\n\ncurl -s -H "authorization: Bearer $(cat ${join(home, "key")})" ` +
    `-H 'content-type: application/json' -d '${body}' ` +
    `http://127.0.0.1:${port}/plugins/vowels/invoke\n`,
);

function builtPlugins(): string[] {
  const built = readdirSync(join(root, "plugins"))
    .filter((id) => existsSync(join(root, "plugins", id, "build/plugin.wasm")))
    .sort();
  return [...order, ...built.filter((id) => !order.includes(id))];
}

/** Waits until the host answers; when it ends instead, so does this program. */
async function isUp(process_: ChildProcess): Promise<void> {
  const live = `http://127.0.0.1:${port}/health/live`;
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(live).catch(() => undefined);
    if (answer?.ok && process_.exitCode === null) return;
    await sleep(50);
  }
  process_.kill();
}
