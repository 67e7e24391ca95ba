import { Command } from "commander";
import { untrustedLine } from "../../untrusted.ts";
import { addAudit } from "./commands/audit.ts";
import { addCalls } from "./commands/calls.ts";
import { addApply } from "./commands/apply.ts";
import { addCapabilities } from "./commands/capabilities.ts";
import { addExport } from "./commands/export.ts";
import { addConfig } from "./commands/config.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEvents } from "./commands/events.ts";
import { addBackup } from "./commands/backup.ts";
import { addGc } from "./commands/gc.ts";
import { addRestore } from "./commands/restore.ts";
import { addExplain } from "./commands/explain.ts";
import { addKey } from "./commands/keys.ts";
import { addPlugin } from "./commands/plugin.ts";
import { addRequests } from "./commands/requests.ts";
import { addSecret } from "./commands/secrets.ts";
import { addServe } from "./commands/serve.ts";
import { addVault } from "./commands/vault.ts";
import { addWhoCan } from "./commands/who-can.ts";
import type { AddCommand, World } from "./world.ts";

const commands: readonly AddCommand[] = [
  addServe,
  addPlugin,
  addKey,
  addSecret,
  addVault,
  addRequests,
  addCalls,
  addAudit,
  addWhoCan,
  addExplain,
  addEvents,
  addApply,
  addExport,
  addCapabilities,
  addConfig,
  addGc,
  addBackup,
  addRestore,
  addDoctor,
];

/** Returns the tree of all commands; every part of it can say how it is used. */
export function createProgram(makeWorld: (program: Command) => World, version: string): Command {
  const program = new Command("convergio")
    .description("A host for WebAssembly plugins that nobody has to trust")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show how it is used")
    .helpCommand("help [command]", "show how a command is used")
    .option("--home <folder>", "folder with everything the host keeps (default: ~/.convergio)")
    .option("--url <address>", "speak to a remote host, for example https://host.example:8443")
    .option("--key-file <file>", "file with the secret of a key for the remote host")
    .option("--plain-http", "allow a key to travel unencrypted to a remote host")
    .option("--json", "print results and errors as JSON")
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  const world = makeWorld(program);
  program.configureOutput({
    writeOut: (text) => world.terminal.result(text.replace(/\n$/, "")),
    writeErr: (text) => world.terminal.note(text.replace(/\n$/, "")),
    outputError: (text, write) => write(usageText(world, text)),
  });
  for (const add of commands) add(program, world);
  return program;
}

/** Commander's words in the form of all our errors; it knows the nearest word for a wrong one. */
function usageText({ terminal }: World, text: string): string {
  const [sentence = "", ...more] = text
    .replace(/^error: /, "")
    .trimEnd()
    .split("\n");
  const nearest = more.join(" ").replace(/^\((.*)\)$/, "$1");
  const hint = nearest || "Run the command with --help to see how it is used";
  return [
    `${terminal.paintNote("red", "error USAGE_INVALID:")} ${untrustedLine(sentence)}`,
    `${terminal.paintNote("cyan", "hint:")} ${untrustedLine(hint)}`,
    "",
  ].join("\n");
}
