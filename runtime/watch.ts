import type { PluginId } from "#manifests/names.ts";
import type { Parts } from "./assemble.ts";
import type { Installed } from "./installed.ts";

/** Sees to it that pools forget dead runners, and that plugins which keep killing them are put apart. */
export function watchRunners(parts: Parts): void {
  const { fleet, shelf, metrics, log } = parts;
  fleet.onEnd((runner, binding, end) => {
    const { reason, wanted, suspects } = end;
    log[wanted ? "info" : "warn"]({ binding, pid: runner.pid, reason }, "a runner ended");
    metrics.runnerEnd(reason);
    if (!wanted) {
      const subject = reason.slice(0, 200);
      parts.events.emit({ kind: "runnerDied", subject, text: `a runner ended: ${subject}` });
    }
    const suspected = shelf
      .all()
      .filter(({ loaded }) =>
        [...loaded.values()].some(({ pool }) => suspects.has(pool.guest.module)),
      );
    for (const installed of suspected) void sentence(parts, installed, reason);
    // Nobody's call was on the processor, but a runner does not end for nothing.
    if (!wanted && suspected.length === 0) book(parts, { act: "died", reason });
    for (const { loaded } of shelf.all()) {
      for (const { pool } of loaded.values()) pool.lost(runner);
    }
  });
  metrics.watch({
    running: () => sumOf(parts, "live"),
    queued: () => sumOf(parts, "queued"),
    runners: () => fleet.runners.length,
    plugins: () => shelf.size,
  });
}

function sumOf({ shelf }: Parts, which: "live" | "queued"): number {
  const pools = shelf.all().flatMap(({ loaded }) => [...loaded.values()].map(({ pool }) => pool));
  return pools.reduce((sum, pool) => sum + pool.load[which], 0);
}

function book(
  { audit, log }: Pick<Parts, "audit" | "log">,
  { act, plugin, reason }: { act: string; plugin?: PluginId; reason: string },
): void {
  try {
    const target = reason.slice(0, 200);
    audit.append({ kind: "runner", act, decision: "failed", target, ...(plugin && { plugin }) });
  } catch (error) {
    // Calls are refused from now on; here is nobody to be told.
    log.error({ err: error }, "the end of a runner was not recorded");
  }
}

async function sentence(parts: Parts, installed: Installed, reason: string): Promise<void> {
  const { quarantine, store, clock, retire, calls, log } = parts;
  const { id } = installed.plugin;
  const verdict = quarantine.book(id);
  book(parts, { act: verdict === "none" ? "died" : verdict, plugin: id, reason });
  if (verdict !== "none") {
    const text = quarantineText(verdict, id);
    parts.events.emit({ kind: "quarantined", plugin: id, subject: verdict, text });
  }
  if (verdict !== "disabled") return;
  const why = `its runner died again and again; convergio plugin enable ${id}`;
  const state = "quarantined" as const;
  installed.plugin = { ...installed.plugin, state, reason: why, updatedAt: clock.now() };
  for (const active of installed.loaded.values()) retire(active);
  installed.loaded.clear();
  // Those that wait would only start it again.
  calls.cancelAll(id);
  // It may just have been removed, or the disk be full: it rests until a restart all the same.
  await store.plugins.setState(id, state, why).catch((error: unknown) => {
    log.error({ err: error, plugin: id }, "that a plugin was disabled was not recorded");
  });
}

function quarantineText(verdict: "apart" | "disabled", id: PluginId): string {
  if (verdict === "apart") return `${id} kills its runners and has one of its own now`;
  return `${id} killed its own runner again and again and is disabled; convergio plugin enable ${id}`;
}
