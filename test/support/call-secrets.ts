import { type Hit, Leaks, type SecretSource } from "#runtime/capabilities/leaks.ts";
import { CallSecrets } from "#runtime/call-secrets.ts";

/** Secrets of a test by their names; all of them of the first version, and none of them weak. */
export function sourceWith(
  values: ReadonlyMap<string, string>,
  audience: readonly string[] = [],
): SecretSource & { readonly used: readonly string[] } {
  const used: string[] = [];
  return {
    used,
    find: (name) => (values.has(name) ? { version: 1, audience, isWeak: false } : undefined),
    open: (name) => values.get(name) ?? "",
    noteUse: (name) => void used.push(name),
  };
}

/** Returns what keeps secrets out of the calls of a test; without any, none are looked for. */
export function callSecretsWith(
  values: ReadonlyMap<string, string> = new Map(),
  onHit: (hit: Hit) => void = () => {},
): CallSecrets {
  return new CallSecrets(new Leaks({ source: sourceWith(values), ownNamesOf: () => [], onHit }));
}
