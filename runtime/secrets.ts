import type { Config } from "#manifests/config.ts";
import type { SecretAsk } from "#manifests/capabilities/secrets.ts";
import type { Audit } from "./audit.ts";
import { CallSecrets } from "./call-secrets.ts";
import type { Capability, GuardPorts } from "./capabilities/capability.ts";
import type { Secrets } from "./capabilities/injection.ts";
import type { Hit, SecretSource } from "./capabilities/leaks.ts";
import { createSecrets } from "./capabilities/secrets.ts";
import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";
import type { Caller } from "./keys.ts";
import { SecretSettings } from "./secret-settings.ts";
import type { SecretStore } from "./store/secrets.ts";
import { type KeyPlaces, keySourceOf } from "./vault/key-source.ts";
import { openVault, type Vault } from "./vault/vault.ts";

/** What the secrets of a host are made of. */
export interface SecretsWish extends GuardPorts {
  readonly clock: Clock;
  readonly config: { readonly current: Config };
  readonly home: { readonly path: string };
  readonly store: { readonly secrets: SecretStore };
  readonly audit: Audit;
  readonly events: Events;
  /** What the process was given besides its settings. */
  readonly keyPlaces?: KeyPlaces | undefined;
}

/** Everything about secrets that a host has, built once. */
export interface HostSecrets {
  readonly vault: Vault;
  readonly settings: SecretSettings;
  readonly calls: CallSecrets;
  readonly capability: Capability;
  readonly secrets: Secrets;
  /** Names of the operator's secrets that may go to all hosts of an ask. */
  readonly fitting: (ask: SecretAsk) => readonly string[];
  /** Takes what ends a grant, which is built after the capabilities. */
  readonly bind: (revoke: Revoke) => void;
}

/** Ends the grant by which a value came to where it was found. */
export type Revoke = (grant: NonNullable<Hit["grant"]>) => Promise<void>;

/** Opens the vault of a home and what uses it. @throws VAULT_KEY_REFUSED */
export async function openSecrets(wish: SecretsWish): Promise<HostSecrets> {
  const { clock, config, home, store, audit, events, keyPlaces = {} } = wish;
  const vault = await openVault({
    clock,
    store: store.secrets,
    source: keySourceOf(config.current.vault.key, home.path, keyPlaces),
    audit: (by, act, target) => auditAct(audit, by, act, target),
  });
  const settings = new SecretSettings(vault);
  const late: { revoke: Revoke | undefined } = { revoke: undefined };
  const { capability, secrets, leaks, fitting } = createSecrets({
    record: wish.record,
    use: wish.use,
    source: bothOf(vault, settings),
    ownNamesOf: (binding) => settings.namesOf(binding),
    onHit: (hit) => {
      auditHit(audit, hit);
      tellHit(events, hit);
      const { grant } = hit;
      if (grant === null || config.current.secrets.onLeak !== "revoke") return;
      // The call goes on without it; what kept it from being revoked stands in the events.
      late.revoke?.(grant).catch(() => tellKept(events, hit));
    },
  });
  return {
    ...{ vault, settings, capability, secrets },
    calls: new CallSecrets(leaks),
    fitting: (ask) =>
      fitting(
        ask,
        vault.list().map(({ name }) => name),
      ),
    bind: (revoke) => {
      late.revoke = revoke;
    },
  };
}

/** The operator's secrets, and those among the settings of plugins, whose names are told apart. */
function bothOf(vault: Vault, settings: SecretSettings): SecretSource {
  const of = (name: string): SecretSource => (name.includes(" ") ? settings : vault);
  return {
    find: (name) => of(name).find(name),
    open: (name) => of(name).open(name),
    partsOf: (name) => of(name).partsOf?.(name) ?? [],
    noteUse: (name) => of(name).noteUse(name),
  };
}

async function auditAct(audit: Audit, by: Caller, act: string, target: string): Promise<void> {
  const { owner, id: keyId } = by;
  audit.append({ kind: "secret", act, decision: "allowed", owner, keyId, target });
  await audit.committed();
}

function auditHit(audit: Audit, { asker, secret, place, grant }: Hit): void {
  const { owner, callId, plugin } = asker;
  const what = grant === null ? "a secret setting" : secret;
  audit.append({
    ...{ kind: "secret", act: "redact", decision: "denied", capability: "secrets" },
    ...{ owner, callId, plugin, target: `${what} in ${placeWords[place]}` },
  });
}

const placeWords = { answer: "an answer", output: "the output", log: "the log" } as const;

function tellHit(events: Events, { asker: { plugin }, secret, place, grant }: Hit): void {
  const what = grant === null ? "a secret setting" : `the secret ${secret}`;
  const command = grant === null ? `plugin config get ${plugin}` : `plugin grants ${plugin}`;
  const text = `${what} was taken out of ${placeWords[place]} of ${plugin}; convergio ${command}`;
  events.emit({ kind: "redacted", plugin, subject: grant === null ? "settings" : secret, text });
}

function tellKept(events: Events, { secret, grant }: Hit): void {
  const plugin = grant?.binding.plugin ?? "";
  const text = `the grant of ${secret} to ${plugin} could not be ended; convergio plugin stop ${plugin}`;
  events.emit({ kind: "redacted", plugin, subject: `${secret} kept`, text });
}
