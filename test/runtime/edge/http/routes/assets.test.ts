import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import type { FakeHost } from "#test/support/fake-host.ts";
import { openTestHost } from "#test/support/host.ts";
import { type Ask, assertProblem, openTestDoor } from "#test/support/http-door.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const page = "<!doctype html><script>parent.postMessage(1, '*')</script>";
const home = await openTestHost();
const door = await openTestDoor({}, { host: home.host } as FakeHost);
after(async () => {
  await door[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const folder = await writeFolder(home, "pages", { provides: jsonTools("say") }, relay([], "1"));
await mkdir(join(folder, "assets", "img"), { recursive: true });
await writeFile(join(folder, "assets", "index.html"), page);
await writeFile(join(folder, "assets", "img", "a.bin"), "bytes");
await installFrom(home, folder);
const key = (await readFile(join(home.folder, "home", "key"), "utf8")).trim();
const get = (path: string, more: Partial<Ask> = {}) =>
  door.ask({ path: `/plugins/local/pages/assets/${path}`, key, ...more });

test("a plugin's pages are served to those who may read, and locked in an origin of their own", async () => {
  for (const path of ["", "index.html"]) {
    const told = await get(path);
    assert.equal(told.text, page);
    assert.equal(told.headers["content-type"], "text/html; charset=utf-8");
    assert.match(String(told.headers["content-security-policy"]), /^sandbox allow-scripts /);
    assert.match(String(told.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(told.headers["x-content-type-options"], "nosniff");
  }
  const bytes = await get("img/a.bin");
  assert.deepEqual(
    [bytes.text, bytes.headers["content-type"]],
    ["bytes", "application/octet-stream"],
  );
  assertProblem(await get("", { key: "cvg_nobody" }), "KEY_UNKNOWN", 401);
});

test("a page that did not change is not sent again", async () => {
  const { etag } = (await get("")).headers;
  const told = await get("", { headers: { "if-none-match": String(etag) } });
  assert.deepEqual([told.status, told.text], [304, ""]);
});

test("nothing but the folder assets of the package can be named", async () => {
  for (const path of [
    "img",
    "manifest.json",
    "../manifest.json",
    "..%2fmanifest.json",
    "%2e%2e/plugin.wasm",
    "img/../../plugin.wasm",
    "/etc/passwd",
    "__proto__",
    "constructor",
    "img%00/a.bin",
  ]) {
    const told = await get(path);
    assert([400, 404].includes(told.status), `${path}: ${told.status}`);
    assert.match(String(told.headers["content-type"]), /^application\/problem\+json/);
  }
});

test("the pages of a plugin that is not in service are not served", async () => {
  await home.host.plugins.disable("local/pages", owner);
  assertProblem(await get(""), "PLUGIN_INACTIVE", 409);
  await home.host.plugins.enable("local/pages", owner);
  assert.equal((await get("")).status, 200);
  await home.host.plugins.remove("local/pages", owner, { purge: true });
  assertProblem(await get(""), "PLUGIN_NOT_FOUND", 404);
});
