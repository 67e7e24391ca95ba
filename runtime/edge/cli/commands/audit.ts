import type { Command } from "commander";
import { HostError } from "#manifests/errors.ts";
import { parseBytes } from "#manifests/units.ts";
import { untrustedJson, untrustedLine, untrustedName } from "../../../untrusted.ts";
import { ask, askJson } from "../ask.ts";
import type { Door } from "../door.ts";
import { eventsOf } from "../events.ts";
import { example } from "../example.ts";
import { createOutput } from "../files.ts";
import { readHeads, type Head } from "../kept-heads.ts";
import { wholeNumber } from "../numbers.ts";
import { bytesShort } from "../readable.ts";
import { pairs } from "../table.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

interface ListOptions {
  readonly plugin?: string;
  readonly kind?: string;
  readonly owner?: string;
  readonly decision?: string;
  readonly call?: string;
  readonly since?: string;
  readonly until?: string;
  readonly before?: number;
  readonly limit: number;
  readonly follow?: boolean;
}

type AuditRecord = Readonly<Record<string, unknown>>;

/** What came of a check, as a host tells it; untrusted. */
interface Verdict {
  readonly state: string;
  readonly records: number;
  readonly from: number;
  readonly to: Head;
  readonly seals: number;
  readonly anchoredTo: number | null;
  readonly broken: { readonly seq: number; readonly why: string } | null;
  readonly notes: readonly string[];
}

/** Adds `audit` and everything below it. */
export const addAudit: AddCommand = (parent, world) => {
  const audit = parent.command("audit").description("what was done and by whom, and its proof");
  for (const add of [addList, addHead, addVerify, addExport, addPrune]) add(audit, world);
};

const addList: AddCommand = (parent, world) => {
  const command: Command = parent
    .command("list", { isDefault: true })
    .description("show what was done and by whom, newest last")
    .option("--plugin <id>", "only what concerns one plugin")
    .option("--kind <kind>", "only one kind of record, for example install")
    .option("--owner <who>", "only what keys of one owner did")
    .option("--decision <word>", "only what was allowed, denied or failed")
    .option("--call <id>", "only one call and what it did")
    .option("--since <moment>", "only from a moment on, for example 2026-01-31T08:00:00Z")
    .option("--until <moment>", "only up to a moment")
    .option("--before <number>", "only records with lower numbers", wholeNumber(1, 2 ** 52))
    .option("--limit <count>", "the newest so many records", wholeNumber(1, 1_000), 100)
    .option("-f, --follow", "go on with new records until interrupted")
    .action((options: ListOptions) =>
      withDoor(world, (door) => (options.follow ? follow : list)(world, door, options)),
    );
  example(command, "convergio audit --plugin local/vowels --decision denied --limit 20");
};

function queryOf({ call, follow: _, ...options }: ListOptions): URLSearchParams {
  const wanted = { ...options, ...(call !== undefined && { callId: call }) };
  return new URLSearchParams(Object.entries(wanted).map(([name, value]) => [name, String(value)]));
}

async function list(world: World, door: Door, options: ListOptions): Promise<void> {
  const path = `/audit?${queryOf(options)}`;
  const answer = await askJson<{ records: AuditRecord[]; next?: number }>(door, "GET", path);
  const { records, next = null } = answer;
  show(world, { records, next }, () => records.map(recordText).join("\n") || "No record");
}

async function follow(world: World, door: Door, options: ListOptions): Promise<void> {
  const path = `/audit?${queryOf(options)}&follow=true`;
  const answer = await ask(door, "GET", path, { accept: "text/event-stream" });
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event !== "record") continue;
    const record = JSON.parse(data) as AuditRecord;
    show(world, record, () => recordText(record));
  }
}

const addHead: AddCommand = (parent, world) => {
  const command = parent
    .command("head")
    .description("show the signed end of the audit; keep it where the host cannot write")
    .action(() =>
      withDoor(world, async (door) => {
        const heads = await askJson<{ head: Head; sealed: Head[] }>(door, "GET", "/audit/head");
        show(world, heads, () => headText(heads.head, heads.sealed.length));
      }),
    );
  example(command, "convergio audit head --json");
};

function headText({ seq, digest, at, key, signature }: Head, sealed: number): string {
  return pairs([
    ["head", untrustedName(`${seq}:${digest}`)],
    ["signed at", untrustedName(at ?? "")],
    ["key", untrustedName(key ?? "")],
    ["signature", untrustedName(signature ?? "")],
    ["sealed files", String(sealed)],
  ]);
}

/** @throws AUDIT_BROKEN */
const addVerify: AddCommand = (parent, world) => {
  const command = parent
    .command("verify")
    .description("check every record of the audit, and against heads that were kept elsewhere")
    .option(
      "--head <head...>",
      "NUMBER:DIGEST, or a file that `audit head --json` or the setting audit.heads wrote",
    )
    .action(({ head = [] }: { head?: readonly string[] }) =>
      withDoor(world, async (door) => {
        const heads = (await Promise.all(head.map(readHeads))).flat();
        const verdict = await verify(world, door, heads);
        show(world, verdict, () => verdictText(verdict));
        const { broken } = verdict;
        if (broken !== null)
          throw new HostError("AUDIT_BROKEN", { record: broken.seq, why: broken.why });
      }),
    );
  example(command, "convergio audit verify --head heads.json");
};

/** @throws ANSWER_INVALID */
async function verify(world: World, door: Door, heads: readonly Head[]): Promise<Verdict> {
  const progress = world.terminal.progress("Checking the audit");
  const json = { heads };
  try {
    const answer = await ask(door, "POST", "/audit/verify", { json, accept: "text/event-stream" });
    for await (const { event, data } of eventsOf(answer.body)) {
      const value = JSON.parse(data);
      if (event === "verdict") return value as Verdict;
      if (event !== "progress") continue;
      const { done, total } = value as { done: number; total: number };
      progress.say(`${bytesShort(done)} of ${bytesShort(total)}`);
    }
  } finally {
    progress.end();
  }
  throw new HostError("ANSWER_INVALID", { where: door.where, reason: "it ends without a verdict" });
}

function verdictText({ state, records, from, to, seals, ...verdict }: Verdict): string {
  const words: Readonly<Record<string, string>> = {
    anchored: `anchored up to record ${verdict.anchoredTo} by a head that was kept elsewhere`,
    consistent: "consistent, not anchored: nobody has shown a head that was kept elsewhere",
    broken: "broken",
  };
  return [
    words[state] ?? untrustedName(state),
    `${records} records, ${from} to ${to.seq}, ${seals} sealed files`,
    ...verdict.notes.map((note) => `note: ${untrustedLine(note)}`),
  ].join("\n");
}

const addExport: AddCommand = (parent, world) => {
  const command = parent
    .command("export")
    .description("write every record to a new file: JSON, one a line, oldest first")
    .argument("<file>", "file that is not there yet")
    .action((file: string) =>
      withDoor(world, async (door) => {
        const progress = world.terminal.progress("Exporting the audit");
        try {
          const answer = await ask(door, "GET", "/audit/export", {
            accept: "application/x-ndjson",
          });
          const bytes = await createOutput(file, answer.body, (written) =>
            progress.say(bytesShort(written)),
          );
          show(world, { file, bytes }, () => `${bytesShort(bytes)} written`);
        } finally {
          progress.end();
        }
      }),
    );
  example(command, "convergio audit export audit.jsonl");
};

const addPrune: AddCommand = (parent, world) => {
  const command = parent
    .command("prune")
    .description("remove finished files of the audit; a record of it holds where the rest begins")
    .option("--keep-days <days>", "days of records to keep", wholeNumber(1, 36_500))
    .option("--keep <size>", "size of records to keep, for example 1GiB", parseBytes)
    .action(({ keepDays, keep: keepBytes }: { keepDays?: number; keep?: number }) =>
      withDoor(world, async (door) => {
        const json = {
          ...(keepDays !== undefined && { keepDays }),
          ...(keepBytes !== undefined && { keepBytes }),
        };
        const done = await askJson<{ prunedTo: number | null }>(door, "POST", "/audit/prune", {
          json,
        });
        show(world, done, () =>
          done.prunedTo === null ? "Nothing to remove" : `removed up to record ${done.prunedTo}`,
        );
      }),
    );
  example(command, "convergio audit prune --keep-days 90");
};

/** What proves the chain of records and tells a person nothing; `--json` has it. */
const technical: readonly string[] = ["audit", "seq", "previous"];

/** Moment, kind and act first, then every other fact there is. */
function recordText({ at, kind, act, decision, count, ...rest }: AuditRecord): string {
  const facts = Object.entries({ ...rest, ...(count !== 1 && { count }) }).filter(
    ([name, value]) => {
      const isNothing = !value || (Array.isArray(value) && value.length === 0);
      return !isNothing && !technical.includes(name);
    },
  );
  const shown = facts.map(([name, value]) => `${untrustedName(name)}=${valueText(value)}`);
  const head = [at, kind, act, decision].filter((part) => part !== undefined);
  return [...head.map((part) => untrustedName(String(part))), ...shown].join("  ");
}

function valueText(value: unknown): string {
  return typeof value === "string" ? untrustedName(value) : untrustedJson(value);
}
