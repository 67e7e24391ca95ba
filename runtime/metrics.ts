import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Label sets in all; what comes later is counted under `other`. */
const seriesMax = 2_000;

/** How a call ended, for the books. */
export interface CallFigures {
  readonly plugin: string;
  readonly tool: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly wallMs: number;
  readonly fuel: number;
}

/** What the host reads off itself when somebody asks. */
export interface Gauges {
  readonly running: () => number;
  readonly queued: () => number;
  readonly runners: () => number;
  readonly plugins: () => number;
}

/** The figures of the host, for Prometheus. */
export interface Metrics {
  call(figures: CallFigures): void;
  effect(capability: string, outcome: "allowed" | "denied"): void;
  runnerEnd(reason: string): void;
  /** Reads gauges off the host whenever somebody asks. */
  watch(gauges: Gauges): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/**
 * Creates the figures of one host. Labels hold plugin, tool, outcome and capability alone: never a key,
 * a host or the text of a guest.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "convergio_" });
  const calls = new Counter({
    name: "convergio_calls_total",
    help: "Calls that ended, by outcome",
    labelNames: ["plugin", "tool", "outcome"],
    registers,
  });
  const seconds = new Histogram({
    name: "convergio_call_seconds",
    help: "Seconds from leaving the queue to the answer",
    labelNames: ["plugin"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const fuel = new Counter({
    name: "convergio_fuel_total",
    help: "Units of fuel that guests burnt",
    labelNames: ["plugin"],
    registers,
  });
  const effects = new Counter({
    name: "convergio_effects_total",
    help: "Host functions that guests used, by decision",
    labelNames: ["capability", "outcome"],
    registers,
  });
  const ends = new Counter({
    name: "convergio_runner_ends_total",
    help: "Runner processes that ended",
    registers,
  });
  return recorder({ registry, calls, seconds, fuel, effects, ends });
}

interface Instruments {
  readonly registry: Registry;
  readonly calls: Counter;
  readonly seconds: Histogram;
  readonly fuel: Counter;
  readonly effects: Counter;
  readonly ends: Counter;
}

/** Series of one plugin, tool and outcome, found without building labels again for each call. */
interface Series {
  readonly count: { inc(): void };
  readonly seconds: { observe(seconds: number): void };
  readonly fuel: { inc(units: number): void };
}

function recorder(all: Instruments): Metrics {
  const series = new Map<string, Series>();
  const seriesOf = ({ plugin, tool, outcome }: CallFigures): Series => {
    const key = `${plugin} ${tool} ${outcome}`;
    const known = series.get(key);
    if (known) return known;
    const room = series.size < seriesMax;
    const labels = room ? { plugin, tool, outcome } : { plugin: "other", tool: "other", outcome };
    const made: Series = {
      count: all.calls.labels(labels),
      seconds: all.seconds.labels({ plugin: labels.plugin }),
      fuel: all.fuel.labels({ plugin: labels.plugin }),
    };
    if (room) series.set(key, made);
    return made;
  };
  return {
    call(figures) {
      const { count, seconds, fuel } = seriesOf(figures);
      count.inc();
      seconds.observe(figures.wallMs / 1000);
      fuel.inc(figures.fuel);
    },
    effect: (capability, outcome) => all.effects.labels({ capability, outcome }).inc(),
    runnerEnd: () => all.ends.inc(),
    watch(gauges) {
      for (const [name, read] of Object.entries(gauges)) watchOne(all.registry, name, read);
    },
    text: () => all.registry.metrics(),
    contentType: all.registry.contentType,
  };
}

function watchOne(registry: Registry, name: string, read: () => number): void {
  new Gauge({
    name: `convergio_${name}`,
    help: `${name} now`,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
