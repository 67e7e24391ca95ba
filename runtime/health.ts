import { quote } from "#manifests/quote.ts";
import { hostVersion, type Parts } from "./assemble.ts";
import type { HealthView } from "./host.ts";
import type { Installed } from "./installed.ts";
import { owner } from "./keys.ts";

/** Returns how the host is. */
export async function healthOf(parts: Parts, startedAt: number): Promise<HealthView> {
  await parts.storage.look();
  const checks = [
    checkDatabase(parts),
    { name: "runners", ok: true, detail: `${parts.fleet.runners.length} serve plugins` },
    checkAudit(parts),
    checkDisk(parts),
    checkVault(parts),
  ];
  const looked = await Promise.all(parts.shelf.all().map((installed) => lookAt(parts, installed)));
  const plugins = looked.map(({ ok: _, ...view }) => view);
  const isDown =
    !checkDatabase(parts).ok || !checkAudit(parts).ok || parts.storage.fullness === "full";
  const isWell = [...checks, ...looked].every(({ ok }) => ok);
  return {
    status: isDown ? "down" : isWell ? "ok" : "degraded",
    version: hostVersion,
    uptimeSeconds: Math.round((parts.clock.monotonic() - startedAt) / 1000),
    checks,
    plugins,
    walls: parts.walls.standing,
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
    await runHook(active, { hook: "health", input: {}, by: owner });
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

function checkAudit({ audit }: Parts): HealthView["checks"][number] {
  const { failure } = audit;
  return { name: "audit", ok: failure === undefined, detail: failure?.message ?? "writes" };
}

function checkDisk({ storage }: Parts): HealthView["checks"][number] {
  const { fullness, room } = storage;
  const detail = `${Math.round(room.freeBytes / 1024 ** 2)} MiB free`;
  return { name: "disk", ok: fullness === "ample", detail };
}

/** Locked, it keeps only what needs a secret from going on. */
function checkVault({ secrets }: Parts): HealthView["checks"][number] {
  const { state, detail } = secrets.vault.state();
  return { name: "vault", ok: state !== "locked", detail };
}
