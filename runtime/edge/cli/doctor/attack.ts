import { readConfig } from "../../../config.ts";
import { HostError } from "#manifests/errors.ts";
import { untrustedLine } from "../../../untrusted.ts";
import { holdToOneCore } from "../../drill/one-core.ts";
import { type Drilled, drills, holdDrills } from "../../drill/run.ts";
import { table } from "../table.ts";
import type { Paint } from "../terminal.ts";
import { show, type World } from "../world.ts";

const paints = { held: "green", broken: "red", skipped: "yellow" } as const satisfies Record<
  Drilled["state"],
  Paint
>;
/** Longest detail of a row, in characters; the JSON has all of it. */
const detailMax = 100;
/** Squares of the bar. */
const barWidth = 24;

/** What an attack does to this process and beside it; the real thing when left out. */
export interface AttackParts {
  readonly hold: typeof holdDrills;
  readonly holdToOneCore: typeof holdToOneCore;
}

/**
 * Attacks a host with the configuration of this home, and shows what held.
 *
 * Nothing of the home is touched: the host of the drills has one of its own, which is gone afterwards.
 *
 * @throws DRILL_BROKEN, USAGE_INVALID, and what reading the configuration throws
 */
export async function attack(
  world: World,
  parts: AttackParts = { hold: holdDrills, holdToOneCore },
): Promise<void> {
  if (world.options().url !== undefined)
    throw new HostError("USAGE_INVALID", {
      argument: "--attack",
      problem: "it attacks a host of this machine only; run it where the host runs",
    });
  const { config } = await readConfig({ home: world.home(), environment: world.environment });
  const isOneCore = await parts.holdToOneCore();
  const progress = world.terminal.progress("Attacking");
  const startedAt = performance.now();
  const results = await parts
    .hold(config, (name, before) => progress.say(`${bar(before, drills.length)} ${name}`))
    .finally(() => progress.end());
  const tookMs = Math.round(performance.now() - startedAt);
  const broken = results.filter(({ state }) => state === "broken").map(({ name }) => name);
  show(world, { ok: broken.length === 0, tookMs, isOneCore, drills: results }, () =>
    resultsText(world, results, tookMs),
  );
  if (broken.length > 0) throw new HostError("DRILL_BROKEN", { names: broken.join(", ") });
}

function bar(done: number, all: number): string {
  const full = Math.round((done / all) * barWidth);
  return `[${"#".repeat(full)}${".".repeat(barWidth - full)}] ${done} of ${all},`;
}

function resultsText({ terminal }: World, results: readonly Drilled[], tookMs: number): string {
  const rows = results.map(({ name, state, detail, rule }) => [
    terminal.paint(paints[state], state),
    name,
    // Of what did not hold, an operator wants to know what should have.
    untrustedLine(state === "broken" ? `${rule}: ${detail}` : detail).slice(0, detailMax),
  ]);
  const count = (wanted: Drilled["state"]): number =>
    results.filter(({ state }) => state === wanted).length;
  const skipped = count("skipped");
  const sum = [
    `${count("held")} of ${results.length} attacks held`,
    ...(skipped > 0 ? [`${skipped} could not be made here`] : []),
    `${Math.round(tookMs / 1_000)} s`,
  ];
  return `${table(["state", "attack", "what stopped it"], rows)}\n\n${sum.join(", ")}`;
}
