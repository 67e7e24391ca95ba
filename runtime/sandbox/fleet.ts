import { HostError } from "#manifests/errors.ts";
import { residentBytes } from "./caps.ts";
import { type SandboxedProcess, startProcess } from "./process.ts";
import { Runner, type RunnerEnd } from "./runner.ts";

/** How often idle and oversized runners are looked for, in milliseconds. */
const watchMs = 500;

/** Bounds of the runner processes. */
export interface FleetOptions {
  /** Most runners at once, at least 1. */
  readonly runnersMax: number;
  /** A runner without calls for so long is ended. */
  readonly idleMs: number;
  /** Resident bytes at which a runner is replaced. */
  readonly residentBytesMax: number;
  /** Resident bytes of all at which the largest is replaced; no bound when left out. */
  readonly allBytesMax?: number;
  /** MiB of JavaScript heap. */
  readonly heapMiB: number;
  /** Whether one runner may serve several signers: the operator's choice. */
  readonly share: boolean;
  /** Starts a runner process; the one of this folder when left out. */
  readonly start?: (heapMiB: number) => SandboxedProcess;
}

/** Hears that a runner ended, after its calls were settled. */
export type OnRunnerEnd = (runner: Runner, binding: string, end: RunnerEnd) => void;

interface Member {
  readonly runner: Runner;
  idleSince: number;
}

/** The runner processes: one a binding, a spare one ready, ended when idle, replaced when they die. */
export class Fleet implements Disposable {
  readonly #options: FleetOptions;
  readonly #listeners = new Set<OnRunnerEnd>();
  readonly #members = new Map<string, Member>();
  /** Every runner that was ever bound and still lives, also when another has taken its place. */
  readonly #bindings = new Map<Runner, string>();
  /** Those of them that try a version before anybody calls it. */
  readonly #trials = new Set<Runner>();
  readonly #watcher: NodeJS.Timeout;
  #spare: Runner | undefined;
  #closed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#watcher = setInterval(() => this.#watch(), watchMs);
    this.#watcher.unref();
    this.#spare = this.#start();
  }

  /** Runners that serve plugins now. */
  get runners(): readonly Runner[] {
    return [...this.#members.values()].map(({ runner }) => runner);
  }

  /**
   * Returns the runner of a binding (a signer), started; undefined when every place is taken by
   * runners that are needed.
   *
   * @throws HOST_STOPPING
   */
  async runnerFor(signer: string): Promise<Runner | undefined> {
    if (this.#closed) throw new HostError("HOST_STOPPING", {});
    const binding = this.#options.share ? "shared" : signer;
    const member = this.#members.get(binding);
    if (member && !member.runner.ended) {
      await member.runner.started;
      return member.runner;
    }
    for (const [name, { runner }] of this.#members) if (runner.ended) this.#members.delete(name);
    if (this.#members.size >= this.#options.runnersMax && !this.#evict()) return undefined;
    const runner = this.#blank(binding);
    this.#members.set(binding, { runner, idleSince: performance.now() });
    return this.#started(runner);
  }

  /**
   * Returns a runner beside the counted ones, bound to nobody: for a version that is tried before
   * anybody calls it. Whoever asked for it stops it.
   *
   * @throws HOST_STOPPING
   */
  async trial(): Promise<Runner> {
    if (this.#closed) throw new HostError("HOST_STOPPING", {});
    const runner = this.#blank("trial");
    this.#trials.add(runner);
    return this.#started(runner);
  }

  /** The spare runner, or a new one, which has its first binding now. */
  #blank(binding: string): Runner {
    const runner = this.#spare && !this.#spare.ended ? this.#spare : this.#start();
    this.#bindings.set(runner, binding);
    this.#spare = undefined;
    return runner;
  }

  async #started(runner: Runner): Promise<Runner> {
    await runner.started;
    this.#spare ??= this.#closed ? undefined : this.#start();
    return runner;
  }

  /** Hears of every runner that ends. */
  onEnd(listener: OnRunnerEnd): void {
    this.#listeners.add(listener);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#watcher);
    this.#spare?.stop("the host stops");
    for (const runner of this.#bindings.keys()) runner.stop("the host stops");
  }

  #start(): Runner {
    const { heapMiB, start = startRunner } = this.#options;
    const runner: Runner = new Runner(
      () => start(heapMiB),
      (end) => this.#ended(runner, end),
    );
    return runner;
  }

  #ended(runner: Runner, end: RunnerEnd): void {
    if (this.#spare === runner) this.#spare = undefined;
    const binding = this.#bindings.get(runner);
    if (binding === undefined) return;
    this.#bindings.delete(runner);
    this.#trials.delete(runner);
    if (this.#members.get(binding)?.runner === runner) this.#members.delete(binding);
    for (const listener of this.#listeners) listener(runner, binding, end);
  }

  /** Ends the runner that has been idle longest. Returns whether there was one. */
  #evict(): boolean {
    const idle = [...this.#members].filter(([, { runner }]) => !runner.busy);
    // What lives in single instances goes last.
    const [oldest] = idle.sort(
      ([, a], [, b]) => a.runner.singles - b.runner.singles || a.idleSince - b.idleSince,
    );
    if (oldest === undefined) return false;
    this.#members.delete(oldest[0]);
    oldest[1].runner.stop("another plugin needs its place");
    return true;
  }

  #watch(): void {
    const now = performance.now();
    const sizes: { readonly runner: Runner; readonly bytes: number }[] = [];
    for (const member of this.#members.values()) {
      const { runner } = member;
      if (runner.busy || runner.singles > 0) member.idleSince = now;
      else if (now - member.idleSince > this.#options.idleMs) runner.stop("it was idle");
    }
    const runners = [...this.runners, ...this.#trials];
    for (const runner of runners) {
      const bytes = (runner.pid === undefined ? undefined : residentBytes(runner.pid)) ?? 0;
      if (bytes > this.#options.residentBytesMax) runner.kill("it outgrew its memory");
      else sizes.push({ runner, bytes });
    }
    this.#fitMachine(sizes);
  }

  /** Ends the largest when all of them together take what the machine needs for others. */
  #fitMachine(sizes: readonly { readonly runner: Runner; readonly bytes: number }[]): void {
    const { allBytesMax = Number.POSITIVE_INFINITY } = this.#options;
    const sum = sizes.reduce((total, { bytes }) => total + bytes, 0);
    if (sum <= allBytesMax) return;
    const largest = sizes.reduce((a, b) => (b.bytes > a.bytes ? b : a));
    largest.runner.kill("it had most of the memory when it ran short");
  }
}

function startRunner(heapMiB: number): SandboxedProcess {
  return startProcess("runner-main.ts", heapMiB);
}
