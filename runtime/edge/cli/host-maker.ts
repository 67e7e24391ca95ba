import type { Config } from "#manifests/config.ts";
import type { Host } from "../../host.ts";

/** What a host is made of, as far as a command line decides it. */
export interface HostWish {
  /** Absolute path of the home. */
  readonly home: string;
  readonly config: Config;
}

/** Makes the host of this process; the host itself is loaded only then. */
export type HostMaker = (wish: HostWish) => Promise<Host>;
