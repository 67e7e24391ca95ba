import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { DiskLine } from "#runtime/capabilities/files/line.ts";
import { codeOf } from "#test/support/host.ts";

const { signal } = new AbortController();

/** Takes places for plugins, and says who got one. */
function served(line: DiskLine) {
  const names: string[] = [];
  const places: Disposable[] = [];
  const take = (plugin: string, folder?: string): void => {
    void line.take(plugin, folder, signal).then((place) => {
      names.push(plugin);
      places.push(place);
    });
  };
  const next = async (): Promise<void> => {
    places.shift()?.[Symbol.dispose]();
    await turn();
  };
  return { names, take, next };
}

test("DiskLine has three at the disk at once, and serves plugins in turn", async () => {
  const { names, take, next } = served(new DiskLine());
  for (let each = 0; each < 6; each++) take("a");
  for (const plugin of ["b", "c", "b"]) take(plugin);
  await turn();
  assert.deepEqual(names, ["a", "a", "a"]);
  for (let each = 0; each < 6; each++) await next();
  assert.deepEqual(names, ["a", "a", "a", "a", "b", "c", "a", "b", "a"]);
});

test("DiskLine has one writer a folder, whom others do not wait for", async () => {
  const { names, take, next } = served(new DiskLine());
  take("a", "/x");
  take("b", "/x");
  take("c", "/y");
  take("d");
  await turn();
  assert.deepEqual(names, ["a", "c", "d"]);
  await next();
  assert.deepEqual(names, ["a", "c", "d", "b"]);
});

test("DiskLine lets whoever gives up go, and gives their place to the next", async () => {
  const line = new DiskLine();
  const first = await line.take("a", "/x", signal);
  const abort = new AbortController();
  const given = codeOf(line.take("a", "/x", abort.signal));
  const waiting = line.take("a", "/x", signal);
  abort.abort();
  assert.equal(await given, "CALL_CANCELLED");
  assert.equal(await codeOf(line.take("a", undefined, abort.signal)), "CALL_CANCELLED");
  first[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});
