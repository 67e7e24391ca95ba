import { untrustedJson, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { wholeNumber } from "../numbers.ts";
import { type AddCommand, show, withDoor } from "../world.ts";

interface AuditOptions {
  readonly plugin?: string;
  readonly kind?: string;
  readonly since?: string;
  readonly limit: number;
}

type AuditRecord = Readonly<Record<string, unknown>>;

/** Adds `audit`. */
export const addAudit: AddCommand = (parent, world) => {
  const command = parent
    .command("audit")
    .description("show what was done and by whom, newest last")
    .option("--plugin <id>", "only what concerns one plugin")
    .option("--kind <kind>", "only one kind of record, for example install")
    .option("--since <moment>", "only from a moment on, for example 2026-01-31T08:00:00Z")
    .option("--limit <count>", "the newest so many records", wholeNumber(1, 1_000), 100)
    .action((options: AuditOptions) =>
      withDoor(world, async (door) => {
        const query = new URLSearchParams(
          Object.entries(options).map(([name, value]) => [name, String(value)]),
        );
        const path = `/audit?${query}`;
        const { records } = await askJson<{ records: AuditRecord[] }>(door, "GET", path);
        show(world, { records }, () => records.map(recordText).join("\n") || "No record");
      }),
    );
  example(command, "convergio audit --plugin local/vowels --limit 20");
};

/** Moment and kind first, then everything else as it is. */
function recordText({ at, kind, ...rest }: AuditRecord): string {
  const facts = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined);
  const shown = facts.map(([name, value]) => `${untrustedName(name)}=${valueText(value)}`);
  return [untrustedName(String(at)), untrustedName(String(kind)), ...shown].join("  ");
}

function valueText(value: unknown): string {
  return typeof value === "string" ? untrustedName(value) : untrustedJson(value);
}
