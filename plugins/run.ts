/** Starts a host with the example plugins, and prints a line to try: what `make run` does. */
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "bin/convergio.js");
const { values } = parseArgs({
  options: {
    home: { type: "string", default: join(root, ".home") },
    port: { type: "string", default: "7700" },
  },
});
const home = resolve(values.home);
/** Installed before the others: a plugin that calls another comes after it. */
const first = ["vowels"];

const host = spawn(
  process.execPath,
  [command, "serve", "--json", "--home", home, "--port", values.port],
  { stdio: ["inherit", "pipe", "inherit"] },
);
// A terminal sends Ctrl-C to both; other signals reach this program alone.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => host.kill("SIGTERM"));
host.on("exit", (code) => process.exit(code ?? 1));

for await (const line of createInterface({ input: host.stdout })) {
  // The first line says where it listens; after that come lines of its log.
  const { url } = JSON.parse(line) as { url?: string };
  if (url === undefined) console.log(line);
  else await introduce(url);
}

async function introduce(url: string): Promise<void> {
  const plugins = builtPlugins();
  const [asking, modest] = [
    plugins.filter(asksForNetwork),
    plugins.filter((id) => !asksForNetwork(id)),
  ];
  for (const id of modest) {
    const folder = join(root, "plugins", id);
    const args = [command, "plugin", "install", folder, "--yes", "--home", home];
    await promisify(execFile)(process.execPath, args);
    console.log(`installed ${id}`);
  }
  for (const id of asking) {
    const ask = `node bin/convergio.js --home ${home} plugin install plugins/${id}`;
    console.log(`not installed: ${id}, which asks for the network; ${ask}`);
  }
  const key = join(home, "key").replaceAll("'", "'\\''");
  console.log(
    `\nIt listens on ${url}. In another shell:\n\n` +
      `curl -s -H "authorization: Bearer $(cat '${key}')" -H 'content-type: application/json' ` +
      `-d '{"tool":"count_vowels","input":"hello world"}' ${url}/plugins/vowels/invoke\n`,
  );
}

/** What leaves the machine is not granted by a command that was typed for something else. */
function asksForNetwork(id: string): boolean {
  const manifest = JSON.parse(readFileSync(join(root, "plugins", id, "manifest.json"), "utf8"));
  return manifest.uses?.network !== undefined;
}

function builtPlugins(): string[] {
  const built = readdirSync(join(root, "plugins"))
    .filter((id) => existsSync(join(root, "plugins", id, "build/plugin.wasm")))
    .sort();
  return [...first, ...built.filter((id) => !first.includes(id))];
}
