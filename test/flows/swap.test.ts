/** Traffic that never stops, over HTTP, while its plugin is updated twenty times: no request may fail. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { owner } from "#runtime/keys.ts";
import { connectTo } from "#test/support/connection.ts";
import type { FakeHost } from "#test/support/fake-host.ts";
import { codeOf, openTestHost } from "#test/support/host.ts";
import { openTestDoor } from "#test/support/http-door.ts";
import { relay } from "#test/support/relay.ts";
import { writeSamples } from "#test/support/samples.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
const door = await openTestDoor({}, { host: home.host } as FakeHost);
after(async () => {
  await door[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const key = (await readFile(join(home.folder, "home", "key"), "utf8")).trim();

const connections = 8;
/** So that a slow machine has time for the swaps besides. */
const pauseMs = 2;

async function write(
  id: string,
  minor: number,
  own: object,
  folder = `${id}-${minor}`,
): Promise<string> {
  const manifest = {
    ...{ id, version: `1.${minor}.0`, ...own },
    provides: { tools: [{ name: "mark", encoding: "text" }] },
  };
  return writeFolder(home, folder, manifest, relay([], `version ${minor}`));
}

/** The ways in which a new version is bad: each is refused, and nobody's call meets it. */
const faults = [
  { lifecycle: { health: "no" } },
  { lifecycle: { load: "trap" } },
  { lifecycle: { health: "trap" } },
  { samples: [{ tool: "mark", input: "", output: "another version" }] },
];

async function writeBad(id: string, minor: number, index: number): Promise<string> {
  const { samples = [], ...own } = faults[index % faults.length] ?? {};
  return writeSamples(await write(id, minor, own, `${id}-${minor}-bad-${index}`), samples);
}

/** What is known of the version that answers while the swaps go on. */
interface Known {
  over: boolean;
  /** The newest version whose activation was acknowledged. */
  acknowledged: number;
  answers: number;
}

/** Asks again and again. Each answer is 200, of a version no older than the one before. */
async function hammer(id: string, known: Known): Promise<void> {
  using connection = connectTo(door.port, key);
  let last = 0;
  while (!known.over) {
    const atLeast = Math.max(last, known.acknowledged);
    const path = `/plugins/local/${id}/invoke`;
    const { status, json } = await connection.post(path, { tool: "mark", input: "" });
    assert.equal(status, 200, JSON.stringify(json));
    last = Number(/^version (\d+)$/.exec(json.output)?.[1]);
    assert.ok(last >= atLeast, `version ${last} answered after ${atLeast}`);
    known.answers += 1;
    await sleep(pauseMs);
  }
}

for (const [instances, swaps] of [
  ["fresh", 20],
  ["warm", 8],
  ["single", 8],
] as const)
  test(`no request fails over ${swaps} swaps, good and bad, of a plugin with ${instances} instances`, async () => {
    const id = `hammered-${instances}`;
    const known: Known = { over: false, acknowledged: 1, answers: 0 };
    await installFrom(home, await write(id, 1, { instances }));
    const clients = Array.from({ length: connections }, () => hammer(id, known));
    const swapping = (async () => {
      for (let swap = 0, minor = 1; swap < swaps; swap++) {
        const isGood = swap % 2 === 0;
        const next = minor + 1;
        const path = isGood
          ? await write(id, next, { instances })
          : await writeBad(id, next, swap >> 1);
        const end = await codeOf(installFrom(home, path));
        if (isGood) {
          assert.equal(end, "ok");
          minor = next;
          known.acknowledged = minor;
        } else assert.match(end, /^(HOOK_FAILED|SAMPLE_FAILED)$/);
      }
    })().finally(() => {
      known.over = true;
    });
    await Promise.all([swapping, ...clients]);
    assert.equal(known.acknowledged, 1 + swaps / 2);
    assert.ok(known.answers >= connections * swaps, `${known.answers} answers`);
  });

test("no request fails while a plugin goes back and forth between two versions", async () => {
  const id = "tossed";
  await installFrom(home, await write(id, 1, {}));
  await installFrom(home, await write(id, 2, {}));
  const state = { over: false, answers: 0 };
  const clients = Array.from({ length: connections }, async () => {
    using connection = connectTo(door.port, key);
    while (!state.over) {
      const path = `/plugins/local/${id}/invoke`;
      const { status, json } = await connection.post(path, { tool: "mark", input: "" });
      assert.equal(status, 200, JSON.stringify(json));
      assert.match(json.output, /^version [12]$/);
      state.answers += 1;
      await sleep(pauseMs);
    }
  });
  const tossing = (async () => {
    for (let turn = 0; turn < 20; turn++) {
      const { version } = await home.host.versions.rollback(`local/${id}`, owner);
      assert.equal(version, turn % 2 === 0 ? "1.1.0" : "1.2.0");
    }
  })().finally(() => {
    state.over = true;
  });
  await Promise.all([tossing, ...clients]);
  assert.ok(state.answers > 0);
});
