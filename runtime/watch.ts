import type { Parts } from "./assemble.ts";
import type { Installed } from "./installed.ts";

/** Sees to it that pools forget dead runners, and that plugins which keep killing them are put apart. */
export function watchRunners(parts: Parts): void {
  const { fleet, shelf, metrics, log } = parts;
  fleet.onEnd((runner, binding, { reason, suspects }) => {
    log.warn({ binding, pid: runner.pid, reason }, "a runner ended");
    metrics.runnerEnd(reason);
    for (const installed of shelf.all()) {
      for (const { pool } of installed.loaded.values()) {
        if (suspects.has(pool.guest.module)) void sentence(parts, installed, reason);
        pool.lost(runner);
      }
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

async function sentence(parts: Parts, installed: Installed, reason: string): Promise<void> {
  const { quarantine, audit, store, clock, retire } = parts;
  const { id } = installed.plugin;
  const verdict = quarantine.book(id);
  audit.append({
    kind: "runner",
    act: verdict === "none" ? "died" : verdict,
    decision: "failed",
    plugin: id,
    target: reason.slice(0, 200),
  });
  if (verdict !== "disabled") return;
  const why = `its runner died again and again; convergio plugin enable ${id}`;
  const state = "quarantined" as const;
  installed.plugin = { ...installed.plugin, state, reason: why, updatedAt: clock.now() };
  for (const active of installed.loaded.values()) retire(active);
  installed.loaded.clear();
  await store.plugins.setState(id, state, why);
}
