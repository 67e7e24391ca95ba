import { networkGrant } from "#manifests/capabilities/network.ts";
import { nothingGranted } from "#manifests/grants.ts";
import type { Grants } from "#manifests/grants.ts";
import { parseGrants } from "#manifests/grants.ts";
import type { Capability, HostFunction } from "#runtime/capabilities/capability.ts";
import { hostFunction } from "#runtime/capabilities/capability.ts";
import { createFolders } from "#runtime/capabilities/files.ts";
import { createKv, type KvStore } from "#runtime/capabilities/kv.ts";
import { askerWith } from "#test/support/asker.ts";
import { openTestNetwork } from "#test/support/network.ts";
import { median, type Row } from "./table.ts";

const rounds = 15;
const checks = 20_000;
const grantCount = 64;

/** Microseconds of a decision, and of one with the request read before it. */
interface Timed {
  readonly check: number;
  readonly all: number;
}

/** What a guard decides, and when: its decision is taken, and nothing comes of it. */
interface Probe {
  readonly one: HostFunction;
  readonly request: object;
  readonly grants: Grants;
}

const probed: HostFunction = hostFunction({
  ...{ import: "none", capability: "none", act: "none", about: "", reads: true },
  ...{ request: {}, response: {} },
  target: () => "",
  grantFor: () => undefined,
  text: () => "",
  effect: () => Promise.reject(new TypeError("never")),
});

/**
 * Returns the microseconds between the guard's asking for the grants and its decision, and those
 * from the request on.
 */
async function timed({ one, request, grants }: Probe): Promise<Timed> {
  const at = { read: 0, asked: 0 };
  const took = { check: new Float64Array(checks), all: new Float64Array(checks), count: 0 };
  const decided = new TypeError("decided");
  const guarded = one.guarded(
    (value) => {
      at.read = performance.now();
      return value;
    },
    {
      record: () => {
        const now = performance.now();
        took.check[took.count] = now - at.asked;
        took.all[took.count++] = now - at.read;
        // The effect is none of this question.
        throw decided;
      },
      use: () => Promise.resolve(),
    },
  );
  const asker = askerWith(grants, {
    grants: () => {
      at.asked = performance.now();
      return grants;
    },
  });
  const message = { json: Buffer.from(JSON.stringify(request)), blocks: [] };
  for (let check = 0; check < checks; check++) await guarded(asker, message);
  // The middle: whoever else runs on this machine is in the mean.
  return { check: median([...took.check]) * 1_000, all: median([...took.all]) * 1_000 };
}

/** Returns the best of some rounds, less what measuring itself takes: others share the machine. */
async function cost(probe: Probe): Promise<Timed> {
  const figures = { empty: [] as Timed[], found: [] as Timed[] };
  for (let round = 0; round < rounds; round++) {
    figures.empty.push(await timed({ ...probe, one: probed }));
    figures.found.push(await timed(probe));
  }
  const best = (of: readonly Timed[], what: keyof Timed) =>
    Math.min(...of.map((each) => each[what]));
  const less = (what: keyof Timed) => best(figures.found, what) - best(figures.empty, what);
  return { check: Math.max(0, less("check")), all: Math.max(0, less("all")) };
}

function functionOf({ functions }: Capability, name: string): HostFunction {
  const found = functions.find((one) => one.import.endsWith(`.${name}`));
  if (found === undefined) throw new TypeError(`no function ${name}`);
  return found;
}

/** Sixty-four grants of every form; the last of them is the one that covers. */
const network = Array.from({ length: grantCount }, (_, index) =>
  networkGrant({
    scheme: "https",
    host: index % 3 === 0 ? `*.zone${index}.example.com` : `host${index}.example.com`,
    port: 443,
    methods: ["GET", "POST"],
    path: index % 2 === 0 ? "/" : `/v${index}`,
    ...(index % 5 === 0 && { addresses: ["10.0.0.0/8"] }),
  }),
);

/** What it costs to decide whether a request of a guest is covered. */
export async function permissions(): Promise<readonly Row[]> {
  await using net = openTestNetwork();
  const fetchOne = functionOf(net.capability, "http_request");
  const kv = functionOf(createKv({} as KvStore), "kv_get");
  const files = functionOf(createFolders({} as never), "files_read");
  const { kv: kvGrant, files: filesGrants } = parseGrants({
    grants: 1,
    kv: { quota: "1MiB" },
    files: [{ name: "cache", folder: null, access: "write", quota: "1MiB" }],
  });
  const row = (what: string, { check, all }: Timed, bar: number): Row => ({
    what,
    ours: `${check.toFixed(3)} µs`,
    beside: `with the request read ${all.toFixed(2)} µs`,
    figure: `${check.toFixed(3)} µs`,
    bar: `under ${bar} µs`,
    ok: check < bar,
  });
  const grants = { ...nothingGranted, network, kv: kvGrant, files: filesGrants };
  const asks = [
    ["an exact host", "https://host62.example.com/a/b?c=d", 2],
    ["a pattern", "https://a.b.zone63.example.com/v63/b?c=d", 2],
    ["no grant at all", "https://a.b.c.example.org/v63/b?c=d", 2],
  ] as const;
  const rows: Row[] = [];
  for (const [what, url, bar] of asks) {
    const probe = { one: fetchOne, request: { url }, grants };
    rows.push(
      row(`permission check, ${grantCount} network grants, ${what}`, await cost(probe), bar),
    );
  }
  const key = { one: kv, request: { key: "a" }, grants };
  rows.push(row("permission check, kv", await cost(key), 0.2));
  const path = { one: files, request: { folder: "cache", path: "a/b.txt" }, grants };
  rows.push(row("permission check, files", await cost(path), 0.2));
  return rows;
}
