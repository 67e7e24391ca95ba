import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, type Metrics } from "#runtime/metrics.ts";

const call = { plugin: "acme/weather", tool: "forecast", outcome: "ok", wallMs: 2, fuel: 100 };

/** The samples of a metric: their labels and values. */
async function samplesOf(metrics: Metrics, name: string): Promise<string[]> {
  const { text } = { text: await metrics.text() };
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

test("call() counts calls, seconds and fuel by plugin, tool and outcome", async () => {
  const metrics = createMetrics();
  metrics.call(call);
  metrics.call({ ...call, outcome: "PLUGIN_TRAPPED", fuel: 7 });
  assert.deepEqual(await samplesOf(metrics, "convergio_calls_total"), [
    'convergio_calls_total{plugin="acme/weather",tool="forecast",outcome="ok"} 1',
    'convergio_calls_total{plugin="acme/weather",tool="forecast",outcome="PLUGIN_TRAPPED"} 1',
  ]);
  assert.deepEqual(await samplesOf(metrics, "convergio_fuel_total"), [
    'convergio_fuel_total{plugin="acme/weather"} 107',
  ]);
  assert.deepEqual(await samplesOf(metrics, "convergio_call_seconds_count"), [
    'convergio_call_seconds_count{plugin="acme/weather"} 2',
  ]);
  assert.deepEqual(await samplesOf(metrics, "convergio_call_seconds_sum"), [
    'convergio_call_seconds_sum{plugin="acme/weather"} 0.004',
  ]);
});

test("call() keeps 2,000 series, and counts whatever comes later as other", async () => {
  const metrics = createMetrics();
  for (let index = 0; index < 5_000; index++) metrics.call({ ...call, tool: `tool-${index}` });
  const samples = await samplesOf(metrics, "convergio_calls_total");
  assert.ok(samples.length <= 2_001, `${samples.length} series`);
  assert.equal(
    samples.find((line) => line.includes('"other"')),
    'convergio_calls_total{plugin="other",tool="other",outcome="ok"} 3000',
  );
  metrics.call({ ...call, tool: "tool-7" });
  const known = await samplesOf(metrics, "convergio_calls_total");
  assert.ok(known.some((line) => line.includes('tool="tool-7"') && line.endsWith(" 2")));
});

test("call() keeps the sum of all calls when series run out", async () => {
  const metrics = createMetrics();
  for (let index = 0; index < 2_500; index++)
    metrics.call({ ...call, plugin: `p${index % 50}`, tool: `t${index}`, fuel: 1 });
  const sum = async (name: string) =>
    (await samplesOf(metrics, name)).reduce((all, line) => all + Number(line.split(" ").at(-1)), 0);
  assert.equal(await sum("convergio_calls_total"), 2_500);
  assert.equal(await sum("convergio_fuel_total"), 2_500);
});

test("labels never hold more than plugin, tool, outcome and capability", async () => {
  const metrics = createMetrics();
  metrics.call(call);
  metrics.effect("kv", "allowed");
  metrics.effect("network", "denied");
  metrics.runnerEnd("it was idle");
  const own = (await metrics.text())
    .split("\n")
    .filter((line) => /^convergio_(call|fuel|effects|runner)/.test(line));
  const labels = new Set(
    own.flatMap((line) => [...line.matchAll(/[{,](\w+)=/g)].map(([, name]) => name)),
  );
  assert.deepEqual([...labels].sort(), ["capability", "le", "outcome", "plugin", "tool"]);
  assert.ok(own.includes('convergio_effects_total{capability="network",outcome="denied"} 1'));
  assert.ok(own.includes("convergio_runner_ends_total 1"));
});

test("a name with quotes and line ends cannot forge a sample", async () => {
  const metrics = createMetrics();
  metrics.call({ ...call, tool: 'a"} 1\nforged_total 1' });
  assert.ok(!(await metrics.text()).split("\n").some((line) => line.startsWith("forged_total")));
});

test("watch() reads gauges whenever somebody asks", async () => {
  const metrics = createMetrics();
  const now = { running: 3 };
  const none = () => 0;
  metrics.watch({ running: () => now.running, queued: none, runners: none, plugins: none });
  assert.deepEqual(await samplesOf(metrics, "convergio_running"), ["convergio_running 3"]);
  now.running = 1;
  assert.deepEqual(await samplesOf(metrics, "convergio_running"), ["convergio_running 1"]);
});

test("two hosts in one process have figures of their own", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.call(call);
  assert.deepEqual(await samplesOf(other, "convergio_calls_total"), []);
  assert.match(one.contentType, /^text\/plain/);
});
