import type { SecretAsk } from "#manifests/capabilities/secrets.ts";
import { hostCovers } from "#manifests/cover.ts";

/** What is known of one of the operator's secrets. */
interface Known {
  readonly name: string;
  /** Origins that it may go to. */
  readonly audience: readonly string[];
}

/**
 * Returns the names of the operator's secrets that may go to every host that an ask names; of an ask
 * that names none, all.
 */
export function secretsThatFit(secrets: readonly Known[], { hosts }: SecretAsk): readonly string[] {
  return secrets
    .filter(({ audience }) => {
      const known = audience.map(hostOf);
      return hosts.every((host) => known.some((each) => hostCovers(each, host)));
    })
    .map(({ name }) => name);
}

function hostOf(origin: string): string {
  return origin.replace(/^[a-z]+:\/\//, "").replace(/:\d+$/, "");
}
