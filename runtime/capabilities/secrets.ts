import Type, { type Static } from "typebox";
import { reaches } from "#manifests/audience.ts";
import {
  type Inject,
  type SecretAsk,
  type SecretGrant,
  secretNameSchema,
  secretsAsks,
} from "#manifests/capabilities/secrets.ts";
import { hostCovers } from "#manifests/cover.ts";
import { HostError } from "#manifests/errors.ts";
import { type Asker, type Capability, type GuardPorts, hostFunction } from "./capability.ts";
import type { Injection, Secrets } from "./injection.ts";
import { type LeakParts, Leaks, type SecretSource } from "./leaks.ts";

/** What secrets need of the host. */
export interface SecretsParts extends GuardPorts, LeakParts {}

/** The capability, what the network asks of it, and what calls tell it of themselves. */
export interface HostSecrets {
  readonly capability: Capability;
  readonly secrets: Secrets;
  readonly leaks: Leaks;
  /** Names of the operator's secrets that may go to all hosts of an ask over https. */
  fitting(ask: SecretAsk, names: readonly string[]): readonly string[];
}

const request = Type.Object({ name: secretNameSchema }, { additionalProperties: false });

/**
 * The operator's secrets. A plugin names them by names of its own, which grants map to the
 * operator's; equal names mean nothing.
 */
export function createSecrets(parts: SecretsParts): HostSecrets {
  const { source } = parts;
  const leaks = new Leaks(parts);
  const secrets: Secrets = {
    injectionsFor: (asker, url) => injectionsFor({ ...parts, leaks }, asker, url),
    headersOf: (asker) => new Set(injectable(asker).flatMap(({ ask }) => headerOf(ask.inject))),
    redactorOf: (asker) => leaks.redactorOf(asker),
  };
  const capability = {
    name: "secrets",
    functions: [getOf(source, leaks)],
    asks: ({ secrets: asks }: Asker["uses"]) => secretsAsks(asks),
  };
  return {
    capability,
    secrets,
    leaks,
    fitting: ({ inject, hosts }, names) =>
      names.filter((name) => {
        const audience = source.find(name)?.audience ?? [];
        return inject === null || hosts.every((host) => audience.some((to) => isFor(to, host)));
      }),
  };
}

function getOf(source: SecretSource, leaks: Leaks) {
  return hostFunction<string, SecretGrant>({
    import: "extism:host/user.secrets_get",
    capability: "secrets",
    act: "secrets_get",
    about: "Gives the value of a secret that the operator lets the plugin see.",
    reads: true,
    request,
    response: Type.Object({ value: Type.String() }),
    target: ({ name }: Static<typeof request>) => name,
    grantFor: ({ secrets }, target) =>
      secrets.find(({ name, mode }) => name === target && mode === "reveal"),
    text: (target) => target,
    async effect(asker, _request, _message, _check, grant) {
      const value = opened(source, grant);
      source.noteUse(grant.secret);
      // It may have been granted or changed since the call began.
      leaks.add(asker, grant);
      return { value: { value } };
    },
  });
}

/** An ask with the grant that gives it. */
interface Given {
  readonly ask: SecretAsk & { readonly inject: Inject };
  readonly grant: SecretGrant;
}

function injectable({ uses, grants }: Asker): readonly Given[] {
  if (uses.secrets.length === 0) return [];
  const granted = grants().secrets.filter(({ mode }) => mode === "inject");
  return granted.flatMap((grant) => {
    const ask = uses.secrets.find(({ name }) => name === grant.name);
    return ask === undefined || ask.inject === null ? [] : [{ ask: ask as Given["ask"], grant }];
  });
}

/** @throws CAPABILITY_DENIED, SECRET_MISSING, VAULT_LOCKED */
async function injectionsFor(
  { source, record, use, leaks }: SecretsParts & { readonly leaks: Leaks },
  asker: Asker,
  url: URL,
): Promise<readonly Injection[]> {
  const meant = injectable(asker).filter(({ ask, grant }) => goesTo(source, ask, grant, url));
  const injections: Injection[] = [];
  for (const { ask, grant } of meant) {
    const target = `${ask.name} → ${url.host}`;
    record({ asker, capability: "secrets", act: "inject", target, allowed: true });
    // A use that a crash could give back would be one too many.
    if (grant.uses !== null) await use(asker, "secrets", grant);
    const value = opened(source, grant);
    source.noteUse(grant.secret);
    leaks.add(asker, grant);
    injections.push({ name: ask.name, place: ask.inject, value });
  }
  return injections;
}

/** Whether a secret goes to a host: where the plugin asked for it and the operator meant it for. */
function goesTo(source: SecretSource, ask: SecretAsk, { secret }: SecretGrant, url: URL): boolean {
  if (!ask.hosts.some((host) => hostCovers(host, url.hostname))) return false;
  const facts = source.find(secret);
  // One that is gone is no reason to send the request without it.
  return facts === undefined || reaches(facts.audience, url);
}

/**
 * Returns the value that a grant stands for. What is wrong with the vault is the operator's to know.
 *
 * @throws SECRET_MISSING, VAULT_LOCKED
 */
function opened(source: SecretSource, { name, secret }: SecretGrant): string {
  try {
    return source.open(secret);
  } catch (cause) {
    if (cause instanceof HostError && cause.code === "VAULT_LOCKED")
      throw new HostError("VAULT_LOCKED", { reason: "its key is not there" }, { cause });
    throw new HostError("SECRET_MISSING", { secret: name }, { cause });
  }
}

function headerOf(inject: Inject): readonly string[] {
  return "header" in inject ? [inject.header.toLowerCase()] : [];
}

/** Whether all hosts that a pattern names are ones that an origin of an audience names. */
function isFor(origin: string, host: string): boolean {
  if (!URL.canParse(`https://${host.replace("*.", "a.")}`)) return false;
  const name = origin.slice(origin.indexOf("://") + "://".length).replace(/:\d+$/, "");
  return name === host || (name.startsWith("*.") && host.endsWith(name.slice(1)));
}
