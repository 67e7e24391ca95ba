/** Writes the reference that is derived from tables in the source: `node docs/build.ts`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig, settingKeys, settings, variableOf } from "#manifests/config.ts";
import { errors } from "#manifests/errors.ts";
import { grantsSchema } from "#manifests/grants.ts";
import { bytesText, durationText } from "#manifests/units.ts";
import { usesSchema } from "#manifests/uses.ts";
import { membersTable } from "./schema-words.ts";
import { createHost, type Host } from "#runtime/host.ts";

const functions = await functionsOfHost();

/** The pages by their places seen from this folder; a test compares them with what lies there. */
export const pages: ReadonlyMap<string, string> = new Map([
  ["capabilities.md", capabilitiesPage()],
  ["errors.md", errorsPage()],
  ["settings.md", settingsPage()],
  ["../plugin-sdk/bindings.json", bindings()],
]);

/** Asks a host of its own: the table of capabilities is put together where a host is. */
async function functionsOfHost(): Promise<Host["capabilities"]> {
  const folder = await mkdtemp(join(tmpdir(), "convergio-docs-"));
  try {
    await using host = await createHost({
      home: join(folder, "home"),
      config: resolveConfig([]).config,
    });
    return host.capabilities;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What kits of languages are made from. */
function bindings(): string {
  const told = { bindings: 1, functions, uses: usesSchema, grants: grantsSchema };
  return `${JSON.stringify(told, undefined, 2)}\n`;
}

function capabilitiesPage(): string {
  const byCapability = Map.groupBy(functions, ({ capability }) => capability);
  const sections = [...byCapability].map(([capability, own]) =>
    [`## ${capability}`, asksOf(capability), ...own.map(functionText)].join("\n\n"),
  );
  const head =
    "# Capabilities\n\nWhat a plugin can ask its host for. Each function takes the handle of one block and returns one: UTF-8 JSON\n" +
    'in, `{"ok": …}` or `{"error": {"code", "message"}}` out; many bytes travel as blocks beside the JSON, whose handles stand in its\n' +
    "member `blocks`. Without a grant every function answers `CAPABILITY_DENIED`. The same as data: `plugin-sdk/bindings.json`, or\n" +
    "`convergio capabilities --json`. Members in bold must be there. Written by `docs/build.ts`.";
  return `${[head, ...sections].join("\n\n")}\n`;
}

function asksOf(capability: string): string {
  const { properties } = usesSchema as unknown as { properties: Record<string, unknown> };
  const ask = properties[capability];
  if (ask === undefined) return "Always there; no manifest asks for it.";
  return `In a manifest, under \`uses.${capability}\`:\n\n${membersTable(ask)}`;
}

function functionText({
  import: name,
  about,
  reads,
  request,
  response,
}: Host["capabilities"][number]): string {
  const changes = reads ? "It changes nothing." : "It changes something, or may.";
  return [
    `### ${name}`,
    `${about} ${changes}`,
    `Request:\n\n${membersTable(request)}`,
    `\`ok\`:\n\n${membersTable(response)}`,
  ].join("\n\n");
}

function errorsPage(): string {
  const rows = Object.entries(errors).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = rows.map(
    ([code, { status, message, hint }]) => `## ${code}\n\n${status}. ${message}.\n\n${hint}.`,
  );
  const head =
    "# Errors\n\nEvery failure that the host reports on purpose: its code, which is stable across releases, the HTTP\n" +
    "status, the sentence with its facts in braces, and what to do. Over HTTP it is `application/problem+json`\n" +
    "(RFC 9457) with `title` the code, `detail` the sentence and `hint`. Written by `docs/build.ts`.";
  return `${[head, ...sections].join("\n\n")}\n`;
}

function settingsPage(): string {
  const rows = settingKeys.map((key) => {
    const setting: { kind: string; default: unknown; what: string; applies: string } =
      settings[key];
    const value = valueText(setting.kind, setting.default);
    const applies = setting.applies === "reload" ? "at reload" : "at start";
    return `| \`${key}\` | ${value} | ${applies} | \`${variableOf(key)}\` | ${setting.what} |`;
  });
  const head = [
    "# Settings",
    "",
    "One file, `convergio.json` in the home, with a section for each first word:",
    '`{"server": {"port": 7700}}`. Environment variables override it, options of `serve` override both. `convergio config check`',
    "says what is wrong with a file, `convergio config show --origin` what holds and who said so. Written by `docs/build.ts`.",
    "",
    "| setting | default | holds | variable | what |",
    "|---|---|---|---|---|",
  ];
  return `${[...head, ...rows].join("\n")}\n`;
}

function valueText(kind: string, value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return "none";
  if (kind === "bytes") return bytesText(Number(value));
  if (kind === "duration") return durationText(Number(value));
  return String(value);
}

if (import.meta.main) {
  for (const [name, text] of pages) await writeFile(new URL(name, import.meta.url), text);
}
