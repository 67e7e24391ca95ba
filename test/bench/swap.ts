import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { owner } from "#runtime/keys.ts";
import { openTestHost, type TestHost } from "#test/support/host.ts";
import { relay } from "#test/support/relay.ts";
import { writeSamples } from "#test/support/samples.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";
import { median, type Row } from "./table.ts";

const swaps = 20;
const connections = 32;
const share = 0.8;
const rounds = 3;
const requests = 20_000;
/** Far beyond what the swaps take: they end it. */
const secondsMax = 600;
const command = fileURLToPath(new URL("../../bin/convergio.js", import.meta.url));
const body = '{"tool":"mark","input":""}';

/** Where calls go, and with what. */
interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whether a request fails while a plugin is swapped under load. */
export async function swap(): Promise<readonly Row[]> {
  await using host = await openTestHost();
  await installFrom(host, await write(host, 1));
  const wish = { owner: "bench", name: "bench", scopes: ["invoke"], ratePerMinute: 0 };
  const { secret } = await host.host.keys.create(owner, wish);
  await host.host[Symbol.asyncDispose]();
  const home = join(host.folder, "home");
  const child = start(["serve", "--json", "--home", home, "--port", "0"]);
  const { url } = JSON.parse(await firstLine(child)) as { url: string };
  const target: Target = {
    url: `${url}/plugins/local/swapped/invoke`,
    headers: { "content-type": "application/json", authorization: `Bearer ${secret}` },
  };
  const rates: number[] = [];
  // The first round is for the compilers.
  for (let round = 0; round <= rounds; round++) rates[round] = await maximum(target);
  const rate = Math.floor(median(rates.slice(1)) * share);
  const { result, ends } = await swapUnder(target, rate, host, home);
  child.kill("SIGTERM");
  await once(child, "exit");
  const failed = result.non2xx + result.errors + result.timeouts;
  const asExpected = ends.every((ok, index) => ok === (index % 2 === 0));
  return [
    {
      what: `${swaps} swaps, good and bad, at ${share * 100} % of the route's own maximum`,
      ours: `${result["2xx"]} answered, ${failed} failed`,
      beside: `maximum ${median(rates.slice(1)).toFixed(0)}/s, asked ${rate}/s`,
      figure: `p99 ${result.latency.p99} ms`,
      bar: "no failed request",
      ok: failed === 0 && asExpected && result["2xx"] > 0,
    },
  ];
}

async function write(host: TestHost, minor: number, isBad = false): Promise<string> {
  const provides = { tools: [{ name: "mark", encoding: "text" }] };
  const lifecycle = { health: "yes", load: "yes" };
  const manifest = {
    id: "swapped",
    version: `1.${minor}.0`,
    instances: "warm",
    provides,
    lifecycle,
  };
  const name = `swapped-${minor}${isBad ? "-bad" : ""}`;
  const path = await writeFolder(host, name, manifest, relay([], `version ${minor}`));
  const output = isBad ? "another version" : `version ${minor}`;
  return writeSamples(path, [{ tool: "mark", input: "", output }]);
}

async function maximum({ url, headers }: Target): Promise<number> {
  const startedAt = performance.now();
  const result = await autocannon({
    ...{ url, headers, body, connections, method: "POST", amount: requests },
  });
  if (result.non2xx + result.errors > 0) throw new TypeError(`${result.non2xx} were refused`);
  return requests / ((performance.now() - startedAt) / 1000);
}

/** Swaps one version after the other while requests come at a rate. Returns how both ended. */
async function swapUnder({ url, headers }: Target, rate: number, host: TestHost, home: string) {
  const load = autocannon({
    ...{ url, headers, body, connections, method: "POST", overallRate: rate },
    duration: secondsMax,
  });
  const ends: boolean[] = [];
  for (let index = 0, minor = 1; index < swaps; index++) {
    const isBad = index % 2 === 1;
    const path = await write(host, minor + 1, isBad);
    const child = start(["plugin", "install", path, "--yes", "--json", "--home", home]);
    const [code] = (await once(child, "exit")) as [number];
    ends.push(code === 0);
    if (!isBad) minor += 1;
  }
  (load as unknown as { stop(): void }).stop();
  return { result: await load, ends };
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--disable-sigusr1", command, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new TypeError("it has no output");
  const [line] = (await once(createInterface({ input: stdout }), "line")) as [string];
  return line;
}
