/** Writes the reference pages that are derived from tables in the source: `node docs/build.ts`. */
import { writeFile } from "node:fs/promises";
import { settingKeys, settings, variableOf } from "#manifests/config.ts";
import { errors } from "#manifests/errors.ts";
import { bytesText, durationText } from "#manifests/units.ts";

/** The pages by their names in this folder; a test compares them with what lies there. */
export const pages: ReadonlyMap<string, string> = new Map([
  ["errors.md", errorsPage()],
  ["settings.md", settingsPage()],
]);

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
