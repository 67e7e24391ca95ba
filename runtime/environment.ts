import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { socketPathOf } from "./socket.ts";

/** What the process was told by its environment; nothing else of the host reads it. */
export interface Environment {
  /** Absolute path of the folder with everything the host keeps. */
  readonly home: string;
  /** Address of a remote host that commands speak to. */
  readonly url: string | undefined;
  /** File with the secret of a key for that host. */
  readonly keyFile: string | undefined;
  /** False when the person wants no colors. @see https://no-color.org */
  readonly color: boolean;
  /** Variables with our prefix, which override settings; unchecked. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Where the key of the vault may be: a value that is taken out of the environment, a folder. */
  readonly keyPlaces: {
    readonly variable: string | undefined;
    /** @see https://systemd.io/CREDENTIALS/ */
    readonly credentials: string | undefined;
  };
}

const vaultKey = "CONVERGIO_VAULT_KEY";

/** The files of a home that both a host and the commands beside it know. */
export interface HomeFiles {
  /** The one configuration file. */
  readonly config: string;
  /** The Unix socket of the running host, for the home's owner. */
  readonly socket: string;
  /** Secret of the first key. */
  readonly key: string;
}

/**
 * Returns what an environment says, frozen; the key of the vault is no longer in it.
 *
 * @param variables  of the process when left out
 */
export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  const text = (name: string): string | undefined => variables[name] || undefined;
  const variable = text(vaultKey);
  // At once: what is started from here on must not find it.
  delete variables[vaultKey];
  const overrides = Object.entries(variables).filter(([name]) => name.startsWith("CONVERGIO_"));
  return Object.freeze({
    home: resolve(text("CONVERGIO_HOME") ?? join(homedir(), ".convergio")),
    url: text("CONVERGIO_URL"),
    keyFile: text("CONVERGIO_KEY_FILE"),
    color: text("NO_COLOR") === undefined && text("TERM") !== "dumb",
    overrides: Object.freeze(Object.fromEntries(overrides) as Record<string, string>),
    keyPlaces: Object.freeze({ variable, credentials: text("CREDENTIALS_DIRECTORY") }),
  });
}

/** Returns where the files of a home are. */
export function homeFiles(home: string): HomeFiles {
  return {
    config: join(home, "convergio.json"),
    socket: socketPathOf(home),
    key: join(home, "key"),
  };
}

/**
 * Returns whether an address is reached from this machine only.
 *
 * @param address  without brackets
 */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127(?:\.\d{1,3}){3}$/.test(address);
}
