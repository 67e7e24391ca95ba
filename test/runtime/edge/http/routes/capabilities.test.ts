import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FakeHost } from "#test/support/fake-host.ts";
import { openTestHost } from "#test/support/host.ts";
import { openTestDoor } from "#test/support/http-door.ts";

const home = await openTestHost();
const door = await openTestDoor({}, { host: home.host } as FakeHost);
after(async () => {
  await door[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const key = (await readFile(join(home.folder, "home", "key"), "utf8")).trim();

test("GET /capabilities gives every host function with schemas that kits can be made from", async () => {
  const { json } = await door.ask({ path: "/capabilities", key });
  const names: string[] = json.functions.map((one: { import: string }) => one.import);
  assert.equal(new Set(names).size, names.length);
  for (const name of ["kv_get", "network_fetch", "tools_call"])
    assert(names.includes(`extism:host/user.${name}`), name);
  const ajv = new Ajv2020({ strict: true, strictTypes: false, keywords: ["errorMessage"] });
  for (const one of json.functions) {
    assert.match(one.about, /^[A-Z].+\.$/, one.import);
    assert.match(one.import, /^extism:host\/(user\.[a-z]+_[a-z]+|env\.http_request)$/);
    ajv.compile(one.request);
    ajv.compile(one.response);
  }
  const ask = ajv.compile(json.uses);
  assert(ask({ kv: { quota: "1MiB" } }) && !ask({ shell: [] }) && !ask({ kv: [] }));
  const grant = ajv.compile(json.grants);
  assert(grant({ grants: 1 }) && !grant({ grants: 1, shell: true }));
});
