import { HostError } from "#manifests/errors.ts";
import type { SecretView, VaultActs, VaultView } from "#runtime/vault/vault.ts";

/** Returns a vault in memory that notes every act, with who asked; it keeps no value. */
export function createFakeSecrets(acts: string[]): VaultActs {
  const held = new Map<string, SecretView>();
  const state = (): VaultView => ({
    state: "open",
    detail: "its key is in the file vault.key of the home",
    secrets: held.size,
    damaged: [],
  });
  return {
    list: () => [...held.values()],
    async set(name, { audience }, by) {
      acts.push(`set ${name} by ${by.owner}`);
      const version = (held.get(name)?.version ?? 0) + 1;
      const view: SecretView = {
        ...{ name, audience, version, isWeak: false, uses: 0, lastUsedAt: null },
        setAt: "2026-01-01T00:00:00Z",
      };
      held.set(name, view);
      return view;
    },
    async remove(name, by) {
      if (!held.delete(name)) throw new HostError("SECRET_NOT_FOUND", { secret: name });
      acts.push(`remove ${name} by ${by.owner}`);
    },
    async rotate(by) {
      acts.push(`rotate by ${by.owner}`);
      return state();
    },
    check: async () => state(),
    state,
  };
}
