import { HostError } from "./errors.ts";
import { parsePluginId, parseToolName, type PluginId, type ToolName } from "./names.ts";
import { quote } from "./quote.ts";

/** What a key may do besides calling plugins. `admin` covers every action. */
export const actions = [
  "read",
  "logs",
  "install",
  "grants",
  "secrets",
  "keys",
  "dev",
  "admin",
] as const;

/** An action besides calling plugins. */
export type Action = (typeof actions)[number];

/** One right of a key: `read`, `invoke`, `invoke:acme/weather:forecast`, … */
export type Scope =
  | { readonly kind: "invoke"; readonly plugin: PluginId | null; readonly tool: ToolName | null }
  | { readonly kind: Action };

/** What widens what plugins may do or reach; a key that programs and models call with has none. */
const widening: readonly string[] = ["install", "grants", "secrets", "keys"];

/** Scopes of one key; more than an owner can keep in mind is a mistake. */
const scopesMax = 32;

/**
 * Returns what one scope means.
 *
 * @param text  untrusted
 * @throws SCOPES_INVALID, NAME_INVALID
 */
export function parseScope(text: string): Scope {
  const [kind = "", plugin, tool, ...rest] = text.split(":", 5);
  if (kind === "invoke" && rest.length === 0)
    return {
      kind,
      plugin: plugin === undefined ? null : parsePluginId(plugin),
      tool: tool === undefined ? null : parseToolName(tool),
    };
  const action = actions.find((name) => name === text);
  if (action !== undefined) return { kind: action };
  throw new HostError("SCOPES_INVALID", {
    found: quote(text),
    reason: `a scope is invoke[:plugin[:tool]] or one of ${actions.join(", ")}`,
  });
}

/**
 * Returns the scopes that a new key may have, each once.
 *
 * A key to call plugins with never widens what they may do: it is in the hands of programs and
 * models. `admin` is for a person and stands alone.
 *
 * @param scopes  untrusted
 * @throws SCOPES_INVALID, NAME_INVALID
 */
export function checkScopes(scopes: readonly string[]): readonly string[] {
  const refuse = (reason: string): HostError =>
    new HostError("SCOPES_INVALID", { found: quote(scopes.join(" ")), reason });
  if (scopes.length === 0 || scopes.length > scopesMax)
    throw refuse(`a key has 1 to ${scopesMax} scopes`);
  const kinds = new Set(scopes.map((scope) => parseScope(scope).kind));
  if (kinds.has("admin") && kinds.size > 1)
    throw refuse("admin covers every action and stands alone");
  const wide = widening.find((kind) => kinds.has(kind as Action));
  if (kinds.has("invoke") && wide !== undefined)
    throw refuse(`invoke and ${wide} are never in one key; make two keys`);
  return [...new Set(scopes)];
}

/**
 * Returns whether scopes cover an action; both are spelled alike.
 *
 * A scope covers itself and what is narrower: `invoke:acme/weather` covers each of its tools.
 *
 * @param scopes  have passed `checkScopes`
 * @param action  `read`, or `invoke:<plugin>:<tool>`
 */
export function covers(scopes: readonly string[], action: string): boolean {
  return scopes.some(
    (scope) =>
      scope === "admin" ||
      action === scope ||
      // A colon ends the prefix: the scope `invoke:acme/we` must not cover `invoke:acme/weather`.
      (action.startsWith(scope) && action[scope.length] === ":"),
  );
}

/** Returns whether every scope that is wanted is covered: no key makes a key above itself. */
export function coversAll(scopes: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => covers(scopes, scope));
}
