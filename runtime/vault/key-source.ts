import { join } from "node:path";
import { readKeyFile, writeKeyFile } from "./key-file.ts";
import { type KeySource, parsed, written } from "./key-text.ts";
import { keyring } from "./keyring.ts";

/** What the process was given besides its settings. */
export interface KeyPlaces {
  /** Value of CONVERGIO_VAULT_KEY, which is no longer in the environment. */
  readonly variable?: string | undefined;
  /** Folder of credentials that the system's service manager made: CREDENTIALS_DIRECTORY. */
  readonly credentials?: string | undefined;
}

/** Name of the credential. @see https://systemd.io/CREDENTIALS/ */
const credentialName = "convergio-vault-key";

/**
 * Returns the place that the setting `vault.key` names.
 *
 * `auto` takes the first of environment, credential and file that is there. The keyring is not among
 * them: it may ask a person to unlock it, and a server that starts has nobody to ask.
 */
export function keySourceOf(setting: string, home: string, places: KeyPlaces): KeySource {
  const [kind = "", path = ""] = setting.split(/:(.*)/s, 2);
  const own = keptIn(path || join(home, "vault.key"), path === "" ? ownName : "a file of its own");
  if (kind === "keyring") return keyring(home);
  if (kind === "environment") return variable(places);
  if (kind === "credential") return credential(places);
  if (kind === "mounted") return mounted(path, "a mounted file");
  return kind === "file" ? own : firstOf([variable(places), credential(places), own]);
}

const ownName = "the file vault.key of the home";

/** A file that the host makes and changes itself. */
function keptIn(path: string, name: string): KeySource {
  return {
    name,
    read: async () => parsed(name, await readKeyFile(path, name, { isOurs: true })),
    write: (keys) => writeKeyFile(path, `${keys.map(written).join("\n")}\n`),
  };
}

/** A file that somebody else puts there; such files are often open to a group, and never ours. */
function mounted(path: string, name: string): KeySource {
  return {
    name,
    read: async () => parsed(name, await readKeyFile(path, name, { isOurs: false })),
    write: undefined,
  };
}

function credential({ credentials }: KeyPlaces): KeySource {
  const name = "the credential of the service";
  if (credentials !== undefined) return mounted(join(credentials, credentialName), name);
  return { name, read: async () => undefined, write: undefined };
}

function variable({ variable: text }: KeyPlaces): KeySource {
  const name = "the variable CONVERGIO_VAULT_KEY";
  return { name, read: async () => parsed(name, text), write: undefined };
}

function firstOf(sources: readonly KeySource[]): KeySource {
  const chosen: { source: KeySource | undefined } = { source: sources.at(-1) };
  return {
    get name() {
      return chosen.source?.name ?? ownName;
    },
    get write() {
      return chosen.source?.write;
    },
    async read() {
      for (const source of sources) {
        const keys = await source.read();
        if (keys === undefined) continue;
        chosen.source = source;
        return keys;
      }
      return undefined;
    },
  };
}
