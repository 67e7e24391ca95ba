import type { Logger } from "pino";
import type { Config } from "#manifests/config.ts";
import type { Environment } from "../../environment.ts";
import type { Host } from "../../host.ts";

/** What a host is made of, as far as a command line decides it. */
export interface HostWish {
  /** Absolute path of the home. */
  readonly home: string;
  readonly config: Config;
  /** Where the host logs about itself; nowhere when left out. */
  readonly log?: Logger;
  readonly keyPlaces?: Environment["keyPlaces"];
}

/** Makes the host of this process. */
export type HostMaker = (wish: HostWish) => Promise<Host>;

/** Makes the real host, which is loaded only now: it brings the database with it. */
export const loadHost: HostMaker = async (wish) => (await import("../../host.ts")).createHost(wish);
