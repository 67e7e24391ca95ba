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

/** What proves the chain of records and tells a person nothing; `--json` has it. */
const technical: readonly string[] = ["audit", "seq", "previous"];

/** Moment, kind and act first, then every other fact there is. */
function recordText({ at, kind, act, decision, ...rest }: AuditRecord): string {
  const facts = Object.entries(rest).filter(([name, value]) => {
    const isNothing = !value || (Array.isArray(value) && value.length === 0);
    return !isNothing && !technical.includes(name);
  });
  const shown = facts.map(([name, value]) => `${untrustedName(name)}=${valueText(value)}`);
  const head = [at, kind, act, decision].filter((part) => part !== undefined);
  return [...head.map((part) => untrustedName(String(part))), ...shown].join("  ");
}

function valueText(value: unknown): string {
  return typeof value === "string" ? untrustedName(value) : untrustedJson(value);
}
