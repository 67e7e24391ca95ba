import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { owner } from "#runtime/keys.ts";
import { installGuest, openTestHost } from "#test/support/host.ts";
import { median, type Row } from "./table.ts";

const requests = 25_000;
const rounds = 5;
const connections = 32;
const command = fileURLToPath(new URL("../../bin/convergio.js", import.meta.url));
const bareRoute = fileURLToPath(new URL("bare-route.ts", import.meta.url));
const body = '{"tool":"count_vowels","input":"hello, world"}';

const manifest = {
  instances: "warm",
  provides: {
    tools: [
      {
        name: "count_vowels",
        encoding: "text",
        input: { type: "string", maxLength: 10_000 },
        output: {
          type: "object",
          properties: { count: { type: "integer", minimum: 0 } },
          required: ["count"],
          additionalProperties: false,
        },
      },
    ],
  },
};

/** How invoke with everything on stands to a fastify route that takes and gives the same JSON. */
export async function invoke(): Promise<readonly Row[]> {
  await using host = await openTestHost();
  const module = await readFile(new URL("guests/vowels.wat", import.meta.url), "utf8");
  await installGuest(host, { id: "vowels", module, manifest });
  const { secret } = await host.host.keys.create(owner, {
    owner: "bench",
    name: "bench",
    scopes: ["invoke"],
    ratePerMinute: 0,
  });
  await host.host[Symbol.asyncDispose]();
  const home = join(host.folder, "home");
  const ours = start([command, "serve", "--json", "--home", home, "--port", "0"]);
  const bare = start([bareRoute]);
  const { url } = JSON.parse(await firstLine(ours)) as { url: string };
  const ownUrl = `${url}/plugins/local/vowels/invoke`;
  const bareUrl = `${await firstLine(bare)}/invoke`;
  const ratios: number[] = [];
  const rates = { own: [] as number[], bare: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const theirs = await rate(bareUrl, secret);
    const own = await rate(ownUrl, secret);
    // The first round is for the compilers.
    if (round === 0) continue;
    ratios.push(own / theirs);
    rates.own.push(own);
    rates.bare.push(theirs);
  }
  for (const child of [ours, bare]) child.kill("SIGTERM");
  await Promise.all([ours, bare].map((child) => once(child, "exit")));
  const ratio = median(ratios);
  return [
    {
      what: "POST /plugins/{id}/invoke, warm, everything on, 32 connections",
      ours: `${median(rates.own).toFixed(0)}/s`,
      beside: `bare fastify route ${median(rates.bare).toFixed(0)}/s`,
      figure: `${ratio.toFixed(2)} of it`,
      bar: "at least 0.6",
      ok: ratio >= 0.6,
    },
  ];
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--disable-sigusr1", ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new TypeError("it has no output");
  const [line] = (await once(createInterface({ input: stdout }), "line")) as [string];
  return line;
}

/** Requests a second; every one of them must have been answered with 200. */
async function rate(url: string, secret: string): Promise<number> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${secret}` };
  const options = { url, method: "POST", headers, body, connections, amount: requests } as const;
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const times = { first: performance.now(), last: 0 };
  const run = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
  // Its own times end at whole seconds.
  run.on("response", () => {
    times.last = performance.now();
  });
  const result = await promise;
  if (result.non2xx + result.errors > 0) throw new TypeError(`${result.non2xx} were refused`);
  return requests / ((times.last - times.first) / 1000);
}
