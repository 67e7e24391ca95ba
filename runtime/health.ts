import { statfs } from "node:fs/promises";
import { quote } from "#manifests/quote.ts";
import { hostVersion, type Parts } from "./assemble.ts";
import type { HealthView } from "./host.ts";
import type { Installed } from "./installed.ts";

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
  const looked = await Promise.all(parts.shelf.all().map((installed) => lookAt(parts, installed)));
  const plugins = looked.map(({ ok: _, ...view }) => view);
  const isWell = [...checks, ...looked].every(({ ok }) => ok);
  return {
    status: !checks[0]?.ok ? "down" : isWell ? "ok" : "degraded",
    version: hostVersion,
    uptimeSeconds: Math.round((parts.clock.monotonic() - startedAt) / 1000),
    checks,
    plugins,
    walls: ["process", "node-permission"],
  };
}

/** How a plugin is: what the host knows of it, and its own health check when it has one. */
async function lookAt(
  { quarantine, runHook }: Parts,
  { plugin, loaded }: Installed,
): Promise<HealthView["plugins"][number] & { readonly ok: boolean }> {
  const { id, state, reason } = plugin;
  if (state !== "enabled")
    return { id, state, detail: reason ?? state, ok: state !== "quarantined" };
  const where = quarantine.isApart(id) ? "in a runner of its own" : "active";
  const active = loaded.get(plugin.activeDigest);
  // One that nobody has called since the start is not loaded only to be asked how it is.
  if (!active?.hooks.has("health")) return { id, state: "active", detail: where, ok: true };
  try {
    await runHook(active, "health", {});
    return { id, state: "active", detail: where, ok: true };
  } catch (error) {
    const detail = error instanceof Error ? quote(error.message, 300) : "its health check failed";
    return { id, state: "active", detail, ok: false };
  }
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
