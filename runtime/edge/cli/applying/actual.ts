import { type GrantsText, parseGrants, toGrantsText } from "#manifests/grants.ts";
import type { GrantsView } from "../../../grants/view.ts";
import type { PluginView } from "../../../host.ts";
import type { KeyView } from "../../../keys.ts";
import { askJson } from "../ask.ts";
import type { Door } from "../door.ts";
import { pluginPath } from "../world.ts";

/** A plugin as it is. */
export interface ActualPlugin {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  readonly source: string;
  readonly state: PluginView["state"];
  readonly grants: GrantsText;
  /** Names what was read of the grants: an edit says what it edits. */
  readonly revision: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** How a host is. */
export interface Actual {
  readonly plugins: readonly ActualPlugin[];
  /** Those that work. */
  readonly keys: readonly KeyView[];
  /** Names of secrets. */
  readonly secrets: readonly string[];
}

/** Asks a host how it is. What it answers is untrusted. */
export async function actualOf(door: Door, now: number): Promise<Actual> {
  const { plugins } = await askJson<{ plugins: PluginView[] }>(door, "GET", "/plugins");
  const { keys } = await askJson<{ keys: KeyView[] }>(door, "GET", "/keys");
  const { secrets } = await askJson<{ secrets: { name: string }[] }>(door, "GET", "/secrets");
  const works = ({ revokedAt, expiresAt }: KeyView): boolean =>
    revokedAt === null && Date.parse(expiresAt) > now;
  const found: ActualPlugin[] = [];
  for (const plugin of plugins) found.push(await pluginOf(door, plugin));
  return { plugins: found, keys: keys.filter(works), secrets: secrets.map(({ name }) => name) };
}

async function pluginOf(door: Door, view: PluginView): Promise<ActualPlugin> {
  const { id, version, digest, source, state } = view;
  const granted = await askJson<GrantsView>(door, "GET", pluginPath(id, "/grants"));
  const config = await askJson<Record<string, unknown>>(door, "GET", pluginPath(id, "/config"));
  const { revision } = granted;
  return { id, version, digest, source, state, config, revision, grants: grantsOf(granted) };
}

/** The grants of a view, in the one form in which two can be compared. */
function grantsOf({ grants, network, secrets, files, kv, tools }: GrantsView): GrantsText {
  const written = { grants, network, secrets, files, tools, ...(kv !== undefined && { kv }) };
  return toGrantsText(parseGrants(written));
}
