import { statfs } from "node:fs/promises";
import { hostVersion, type Parts } from "./assemble.ts";
import type { HealthView } from "./host.ts";

/** Free bytes and share of the disk below which the host says so. */
const freeBytesMin = 512 * 1024 * 1024;
const freeShareMin = 0.05;

/** Returns how the host is. */
export async function healthOf(parts: Parts, startedAt: number): Promise<HealthView> {
  const checks = [
    checkDatabase(parts),
    { name: "runners", ok: true, detail: `${parts.fleet.runners.length} serve plugins` },
    await checkDisk(parts.home.path),
  ];
  const plugins = parts.shelf.all().map(({ plugin: { id, state, reason } }) => ({
    id,
    state: state === "enabled" ? ("active" as const) : state,
    detail: parts.quarantine.isApart(id) ? "in a runner of its own" : (reason ?? "active"),
  }));
  const isWell =
    checks.every(({ ok }) => ok) && plugins.every(({ state }) => state !== "quarantined");
  return {
    status: !checks[0]?.ok ? "down" : isWell ? "ok" : "degraded",
    version: hostVersion,
    uptimeSeconds: Math.round((parts.clock.monotonic() - startedAt) / 1000),
    checks,
    plugins,
    walls: ["process", "node-permission"],
  };
}

function checkDatabase({ store }: Parts): HealthView["checks"][number] {
  const { failure } = store.hot;
  return { name: "database", ok: failure === undefined, detail: failure?.message ?? "writes" };
}

async function checkDisk(path: string): Promise<HealthView["checks"][number]> {
  const { bavail, blocks, bsize } = await statfs(path);
  const free = bavail * bsize;
  const ok = free >= freeBytesMin && bavail / blocks >= freeShareMin;
  return { name: "disk", ok, detail: `${Math.round(free / 1024 ** 2)} MiB free` };
}
