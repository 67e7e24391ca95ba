import { type Connections, type DatabaseOptions, openDatabase } from "./database.ts";
import { createGrantBooks, type GrantBooks } from "./grants.ts";
import { createHot, type Hot } from "./hot.ts";
import { createKeyStore, type KeyStore } from "./keys.ts";
import { createKv, type Kv } from "./kv.ts";
import { createNetworkSpent, type NetworkSpent } from "./network-spent.ts";
import { createPluginStore, type PluginStore } from "./plugins.ts";
import { createRequestStore, type RequestStore } from "./requests.ts";
import type { InstalledPlugin, KeyRecord } from "./records.ts";
import { createSecretStore, type SecretStore } from "./secrets.ts";
import { copyDatabase, type OnPages } from "./snapshot.ts";

/** Everything that a host keeps in memory while it runs. */
export interface Snapshot {
  readonly plugins: readonly InstalledPlugin[];
  readonly keys: readonly KeyRecord[];
}

/**
 * What the host remembers over restarts.
 *
 * Nothing between a request and its answer reads plugins or keys from here: they are loaded once,
 * kept in memory, and every change is written here before it holds.
 */
export interface Store extends AsyncDisposable {
  readonly plugins: PluginStore;
  readonly keys: KeyStore;
  readonly kv: Kv;
  readonly grants: GrantBooks;
  readonly secrets: SecretStore;
  readonly requests: RequestStore;
  readonly networkSpent: NetworkSpent;
  readonly hot: Hot;
  loadAll(): Promise<Snapshot>;
  /** Copies the database as it is at one moment. @throws STORAGE_FULL, STORE_DAMAGED */
  copyTo(path: string, onPages: OnPages): Promise<void>;
}

/**
 * Opens the store of a home, or makes it.
 *
 * @throws SCHEMA_NEWER, STORE_DAMAGED, STORAGE_FULL
 */
export async function openStore(options: DatabaseOptions): Promise<Store> {
  const connections: Connections = openDatabase(options);
  const hot = createHot(connections.hot);
  const plugins = createPluginStore(connections.durable, options.clock);
  const keys = createKeyStore(connections.durable, hot);
  return {
    plugins,
    keys,
    kv: createKv(hot, options.clock),
    grants: createGrantBooks(hot, options.clock),
    secrets: createSecretStore(connections.durable, hot),
    requests: createRequestStore(connections.durable),
    networkSpent: createNetworkSpent(hot),
    hot,
    // By the connection that writes most: what others write meanwhile begins the copy anew.
    copyTo: async (path, onPages) => {
      await hot.flushed();
      await copyDatabase(connections.hot, path, onPages);
    },
    loadAll: async () => ({ plugins: await plugins.loadAll(), keys: await keys.loadAll() }),
    [Symbol.asyncDispose]: async () => {
      hot[Symbol.dispose]();
      connections.durable.close();
    },
  };
}
