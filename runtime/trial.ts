import { HostError } from "#manifests/errors.ts";
import { type Sample, sampleBytesMax } from "#manifests/samples.ts";
import type { Clock } from "./clock.ts";
import type { RunHook } from "./hooks.ts";
import type { Active, Installed } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { LoadWish } from "./loader.ts";
import { runSamples } from "./samples.ts";
import type { Fleet } from "./sandbox/fleet.ts";
import type { Runners } from "./sandbox/pool.ts";
import type { VersionRecord } from "./store/records.ts";
import type { Turns } from "./turns.ts";

/** Trials are one at a time: each has a process of its own beside those that the host may have. */
const turn = "a trial";

/** What trying a version needs of the host. */
export interface TrialParts {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly turns: Turns;
  readonly load: (installed: Installed, version: VersionRecord, wish?: LoadWish) => Active;
  readonly runHook: RunHook;
}

/** A version that nobody calls yet. */
export interface Tried {
  /** The plugin as it would be. */
  readonly installed: Installed;
  readonly version: VersionRecord;
  readonly samples: readonly Sample[];
  readonly by: Caller;
}

/**
 * Runs the health check and the sample calls of a version in a runner that serves nobody and ends with
 * the trial. No capability is behind its host functions: the health check is told that it is in no
 * call, samples get what their author recorded.
 *
 * @throws HOOK_FAILED, SAMPLE_FAILED, INIT_FAILED, RUNNER_DIED, HOST_STOPPING
 */
export async function tryVersion(parts: TrialParts, tried: Tried): Promise<void> {
  const { version, installed, samples, by } = tried;
  if (version.manifest.lifecycle.health === undefined && samples.length === 0) return;
  using _ = await parts.turns.take(turn);
  const runner = await parts.fleet.trial();
  const runners: Runners = {
    runnerFor: async () => {
      if (runner.ended) throw new HostError("RUNNER_DIED", { plugin: version.plugin });
      return runner;
    },
  };
  const load = async (wish: LoadWish): Promise<Active> => {
    const active = parts.load(installed, version, { ...wish, runners });
    await active.pool.warm();
    return active;
  };
  try {
    if (version.manifest.lifecycle.health !== undefined)
      await parts.runHook(await load({}), { hook: "health", input: {}, by });
    await runSamples({
      clock: parts.clock,
      samples,
      tools: version.manifest.provides.tools,
      load: (config, moreTools) => load({ config, moreTools, outputBytesMax: sampleBytesMax }),
      retire: ({ pool }) => pool.close(),
    });
  } finally {
    runner.stop("its trial is over");
  }
}
