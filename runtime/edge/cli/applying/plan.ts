import { isDeepStrictEqual } from "node:util";
import type { Desired, DesiredKey, DesiredPlugin } from "#manifests/desired.ts";
import type { GrantsText } from "#manifests/grants.ts";
import type { KeyView } from "../../../keys.ts";
import type { Actual, ActualPlugin } from "./actual.ts";

/** One thing to do; `text` is what a person reads of it. */
export type Step =
  | { readonly kind: "install"; readonly plugin: DesiredPlugin; readonly text: string }
  | {
      readonly kind: "grants";
      readonly id: string;
      readonly grants: GrantsText;
      readonly revision: string;
      readonly text: string;
    }
  | {
      readonly kind: "config";
      readonly id: string;
      readonly config: Readonly<Record<string, unknown>>;
      readonly text: string;
    }
  | {
      readonly kind: "state";
      readonly id: string;
      readonly act: "enable" | "disable" | "stop" | "start";
      readonly text: string;
    }
  | { readonly kind: "remove"; readonly id: string; readonly text: string }
  | { readonly kind: "createKey"; readonly key: DesiredKey; readonly text: string }
  | { readonly kind: "revokeKey"; readonly id: string; readonly text: string }
  | {
      readonly kind: "settings";
      readonly settings: Readonly<Record<string, unknown>>;
      readonly text: string;
    };

/** What is to be done, and what nobody but a person can do. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly problems: readonly string[];
}

/** What the plan is made from besides the two states. */
export interface PlanOptions {
  /** Whether plugins and keys go that the file does not name. */
  readonly prune: boolean;
  /** Sections of the configuration file; null when there is none to be written from here. */
  readonly settings: Readonly<Record<string, unknown>> | null;
}

/**
 * Returns the steps that make a host what a file says; none when it is so already.
 *
 * Nothing is taken away that the file does not name, unless it is said so. What is granted to a
 * plugin that stays is put right before the plugin is changed otherwise.
 */
export function planOf(desired: Desired, actual: Actual, options: PlanOptions): Plan {
  const problems: string[] = [];
  const steps = [
    ...settingsSteps(desired, options, problems),
    ...desired.plugins.flatMap((plugin) =>
      pluginSteps(
        plugin,
        actual.plugins.find(({ id }) => id === plugin.id),
        problems,
      ),
    ),
    ...keySteps(desired, actual, options.prune),
    ...(options.prune ? removals(desired, actual) : []),
  ];
  for (const name of desired.secrets)
    if (!actual.secrets.includes(name))
      problems.push(`the secret ${name} is not there: set it with convergio secret set ${name}`);
  return { steps, problems };
}

function settingsSteps({ settings }: Desired, options: PlanOptions, problems: string[]): Step[] {
  if (settings === null || isDeepStrictEqual(settings, options.settings)) return [];
  if (options.settings === null) {
    problems.push("the settings of a remote host are written where it runs");
    return [];
  }
  return [{ kind: "settings", settings, text: "~ settings: the configuration file" }];
}

function pluginSteps(
  plugin: DesiredPlugin,
  is: ActualPlugin | undefined,
  problems: string[],
): Step[] {
  const { id, digest, source } = plugin;
  if (is?.digest !== digest && source === null) {
    const found = is === undefined ? "it is not installed" : `${is.digest} answers`;
    problems.push(`${id} is to be ${digest}, ${found}, and the file names no source`);
    return [];
  }
  const install: Step[] =
    is?.digest === digest
      ? []
      : [{ kind: "install", plugin, text: `${is ? "~" : "+"} install ${id} ${digest}` }];
  const isSame = install.length === 0 && is !== undefined;
  return [
    ...install,
    ...(isSame && plugin.grants !== null && !isDeepStrictEqual(plugin.grants, is.grants)
      ? [grantsStep(plugin.grants, is)]
      : []),
    ...(plugin.config !== null && !isDeepStrictEqual(plugin.config, is?.config ?? {})
      ? [{ kind: "config" as const, id, config: plugin.config, text: `~ config ${id}` }]
      : []),
    ...stateSteps(plugin, is),
  ];
}

function grantsStep(grants: GrantsText, { id, revision, grants: held }: ActualPlugin): Step {
  const parts = ["network", "secrets", "files", "kv", "tools"] as const;
  const changed = parts.filter((part) => !isDeepStrictEqual(grants[part], held[part]));
  return { kind: "grants", id, grants, revision, text: `~ grants ${id}: ${changed.join(", ")}` };
}

function stateSteps({ id, state }: DesiredPlugin, is: ActualPlugin | undefined): Step[] {
  const now = is === undefined || is.state === "active" ? "enabled" : is.state;
  if (now === state) return [];
  const undo = now === "stopped" ? "start" : "enable";
  const act = state === "enabled" ? undo : state === "stopped" ? "stop" : "disable";
  return [{ kind: "state", id, act, text: `~ ${act} ${id}` }];
}

function keySteps({ keys }: Desired, actual: Actual, prune: boolean): Step[] {
  const isOf = (key: DesiredKey, is: KeyView): boolean =>
    is.owner === key.owner && is.name === key.name;
  const isSame = (key: DesiredKey, is: KeyView): boolean =>
    isDeepStrictEqual([...key.scopes].sort(), [...is.scopes].sort()) &&
    (key.ratePerMinute ?? is.ratePerMinute) === is.ratePerMinute;
  const steps: Step[] = [];
  const revoke = (is: KeyView): Step => ({
    kind: "revokeKey",
    id: is.id,
    text: `- key ${is.owner}/${is.name}`,
  });
  for (const key of keys) {
    const own = actual.keys.filter((is) => isOf(key, is));
    if (own.some((is) => isSame(key, is))) continue;
    steps.push({ kind: "createKey", key, text: `+ key ${key.owner}/${key.name}` });
    steps.push(...own.map(revoke));
  }
  if (!prune) return steps;
  const others = actual.keys.filter((is) => !keys.some((key) => isOf(key, is)));
  return [...steps, ...others.filter(({ scopes }) => !scopes.includes("admin")).map(revoke)];
}

function removals({ plugins }: Desired, actual: Actual): Step[] {
  const named = new Set(plugins.map(({ id }) => id));
  return actual.plugins
    .filter(({ id }) => !named.has(id))
    .map(({ id }) => ({ kind: "remove", id, text: `- remove ${id}; its data stays` }));
}
