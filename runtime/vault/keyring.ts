import { spawn } from "node:child_process";
import { HostError } from "#manifests/errors.ts";
import { type KeySource, parsed, written } from "./key-text.ts";

/** How long a person may take to unlock the keyring when it asks. */
const toolMs = 60_000;
const outputBytesMax = 4_096;
const service = "convergio";

/** The program of a system that keeps secrets for its users, and how it is spoken to. */
export interface KeyringTool {
  /** Found in the path. */
  readonly command: string;
  readonly lookup: (home: string) => Command;
  /** The key travels in the input: arguments can be read by every user of the machine. */
  readonly store: (home: string, text: string) => Command;
  /** Exit code that says that there is no such entry, when nothing is on the error output. */
  readonly absentCode: number;
}

interface Command {
  readonly words: readonly string[];
  readonly input: string;
}

/** @see https://gnome.pages.gitlab.gnome.org/libsecret/ */
const secretTool: KeyringTool = {
  command: "secret-tool",
  lookup: (home) => ({ words: ["lookup", "service", service, "home", home], input: "" }),
  store: (home, text) => ({
    words: ["store", "--label=Convergio vault key", "service", service, "home", home],
    input: text,
  }),
  absentCode: 1,
};

/** @see https://ss64.com/mac/security.html */
const security: KeyringTool = {
  command: "security",
  lookup: (home) => ({
    words: ["find-generic-password", "-s", service, "-a", home, "-w"],
    input: "",
  }),
  // Without a command it reads commands from its input.
  store: (home, text) => ({
    words: ["-i"],
    input: `add-generic-password -U -s ${service} -a ${quoted(home)} -w ${quoted(text)}\n`,
  }),
  absentCode: 44,
};

function quoted(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&")}"`;
}

/** Returns the key of a home in the keyring of the user who runs the host. */
export function keyring(
  home: string,
  tool: KeyringTool = process.platform === "darwin" ? security : secretTool,
): KeySource {
  const name = "the keyring of this user";
  return {
    name,
    async read() {
      const { code, output, errors } = await run(tool, tool.lookup(home));
      if (code === 0) return parsed(name, output);
      if (code === tool.absentCode && (errors === "" || code !== 1)) return undefined;
      throw failed(`${tool.command} ended with code ${code}`);
    },
    async write(keys) {
      const text = keys.map(written).join(",");
      const { code } = await run(tool, tool.store(home, text));
      if (code !== 0) throw failed(`${tool.command} ended with code ${code}`);
    },
  };
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** @throws VAULT_LOCKED */
async function run({ command }: KeyringTool, { words, input }: Command): Promise<Ran> {
  const child = spawn(command, words, { stdio: "pipe", timeout: toolMs });
  const [output, errors] = [collect(child.stdout), collect(child.stderr)];
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", (cause) => reject(failed(`${command} cannot be started`, cause)));
  child.once("close", resolve);
  // One that ends without reading is judged by its code.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return { code: await promise, output: output(), errors: errors() };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    if (Buffer.concat(chunks).length < outputBytesMax) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** @throws VAULT_LOCKED */
function failed(reason: string, cause?: unknown): HostError {
  return new HostError("VAULT_LOCKED", { reason }, { cause });
}
