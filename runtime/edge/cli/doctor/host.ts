import { HostError } from "#manifests/errors.ts";
import type { HealthView } from "../../../host.ts";
import { bodyOf } from "../ask.ts";
import type { Door } from "../door.ts";
import { failed, type Finding, fine, warning } from "./finding.ts";

/** Returns what a host says of itself: database, runner, walls, plugins. */
export async function lookAtHost(openDoor: () => Promise<Door>): Promise<readonly Finding[]> {
  try {
    await using door = await openDoor();
    const answer = await door.request("GET", "/health");
    const text = Buffer.from(await bodyOf(door, answer)).toString("utf8");
    // 503 carries the same report, of a host that is down.
    if (answer.status !== 200 && answer.status !== 503)
      return [failed("health", `it answered ${answer.status}`, "Check --url and --key-file")];
    return findingsOf(JSON.parse(text) as HealthView);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [failed("starting", detail, error instanceof HostError ? error.hint : "")];
  }
}

function findingsOf(health: HealthView): readonly Finding[] {
  const broken = health.plugins.filter(({ state }) => state === "quarantined");
  return [
    ...health.checks.map(({ name, ok, detail }) =>
      ok ? fine(name, detail) : failed(name, detail, "Look into the host's log"),
    ),
    walls(health.walls),
    broken.length === 0
      ? fine("plugins", `${health.plugins.length} installed`)
      : warning(
          "plugins",
          `${broken.map(({ id }) => id).join(", ")} in quarantine`,
          "Run `convergio plugin info ID`",
        ),
  ];
}

function walls(standing: readonly string[]): Finding {
  if (standing.length > 0) return fine("walls", standing.join(", "));
  const detail = "none: a guest that breaks out of the engine is stopped by nothing else";
  return warning("walls", detail, "Install bubblewrap, or run the host in a container");
}
