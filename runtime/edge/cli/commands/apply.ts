import { resolve } from "node:path";
import { parseDesired } from "#manifests/desired.ts";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { untrustedLine } from "../../../untrusted.ts";
import { actualOf } from "../applying/actual.ts";
import { carryOut } from "../applying/carry-out.ts";
import { type Plan, planOf } from "../applying/plan.ts";
import { readSections } from "../applying/settings-file.ts";
import type { Door } from "../door.ts";
import { example } from "../example.ts";
import { readBounded } from "../files.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

interface ApplyOptions {
  readonly check?: boolean;
  readonly yes?: boolean;
  readonly prune?: boolean;
  readonly keysTo?: string;
}

/** Bytes of the file: a thousand plugins with their grants. */
const fileBytesMax = 16 * 2 ** 20;

/** Adds `apply`. */
export const addApply: AddCommand = (parent, world) => {
  const command = parent
    .command("apply")
    .description("make the host what a file says: plugins by digest, grants, configuration, keys")
    .argument("<file>", "what `convergio export` writes")
    .option("--check", "change nothing; exit 1 when something would be done")
    .option("--yes", "do it without being asked")
    .option("--prune", "remove plugins and revoke keys that the file does not name")
    .option("--keys-to <folder>", "write the secrets of new keys to files there (0600)")
    .action((file: string, options: ApplyOptions) =>
      withDoor(world, (door) => apply(world, door, file, options)),
    );
  example(command, "convergio apply host.json --check");
};

/** @throws USAGE_INVALID, DESIRED_UNMET, and what the host refuses a step with */
async function apply(world: World, door: Door, file: string, options: ApplyOptions): Promise<void> {
  const { check = false, yes = false, prune = false, keysTo } = options;
  const { terminal } = world;
  const desired = parseDesired(await readBounded(file, fileBytesMax), file);
  const settings = door.kind === "remote" ? null : await readSections(world.home());
  const plan = planOf(desired, await actualOf(door, world.now()), { prune, settings });
  for (const line of linesOf(plan)) terminal.note(line);
  const { steps, problems } = plan;
  if (check && steps.length + problems.length > 0) throw unmet(file, plan);
  if (!check && steps.length > 0) {
    if (!yes && !(await terminal.confirm(`Do these ${steps.length} steps?`)))
      throw new HostError("USAGE_INVALID", { argument: "the steps", problem: "nobody said yes" });
    const place = { world, door, file: resolve(file), keysTo };
    for (const step of steps) {
      await carryOut(place, step);
      terminal.note(`${terminal.paintNote("green", "done")} ${untrustedLine(step.text)}`);
    }
  }
  if (problems.length > 0) throw unmet(file, { steps: [], problems });
  const result = { steps: steps.map(({ kind, text }) => ({ kind, text })) };
  show(world, result, () => (steps.length === 0 ? "nothing to do" : `${steps.length} steps done`));
}

function linesOf({ steps, problems }: Plan): string[] {
  return [
    ...steps.map(({ text }) => untrustedLine(text)),
    ...problems.map((problem) => `! ${untrustedLine(problem)}`),
  ];
}

function unmet(file: string, { steps, problems }: Plan): HostError {
  const facts = { file: quote(file), count: steps.length, problems: problems.length };
  return new HostError("DESIRED_UNMET", facts);
}
