/** Settings of plugins that their authors marked as secret, through the whole host. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { installHolder } from "#test/support/holder.ts";
import { codeOf, invoke, openHostIn, openTestHost, type TestHost } from "#test/support/host.ts";
import { strongValue } from "#test/support/vault.ts";

const config = {
  type: "object",
  properties: {
    apiKey: { type: "string", minLength: 8, writeOnly: true },
    many: { $ref: "#/$defs/pair" },
    units: { enum: ["metric", "imperial"], default: "metric" },
  },
  $defs: {
    pair: { type: "object", properties: { password: { type: "string", writeOnly: true } } },
  },
  additionalProperties: false,
};
const id = "local/it";

async function installed(host: TestHost): Promise<void> {
  await installHolder(host, "it", { more: { config } });
}

/** What the guest reads, as its caller is told; redacted when it is a secret. */
async function read(host: TestHost, name: string): Promise<string> {
  const { output } = await host.host.call({
    ...{ caller: owner, plugin: id, tool: "say", input: { json: JSON.stringify(name) } },
  });
  return Buffer.from(output.bytes).toString();
}

test("a secret setting is read by the guest, and shown to nobody", async () => {
  await using folder = await temporaryFolder();
  {
    await using host = await openHostIn(folder.path);
    await installed(host);
    const set = await host.host.plugins.setConfig(
      id,
      { apiKey: strongValue, units: "imperial" },
      owner,
    );
    assert.deepEqual(set, { units: "imperial" });
    assert.deepEqual(host.host.plugins.config(id), { units: "imperial" });
    assert.equal(await read(host, "units"), '"imperial"');
    assert.equal(await read(host, "apiKey"), '"[redacted]"');
    await invoke(host, "it", "log", "apiKey");
    const failed = invoke(host, "it", "fail", "apiKey");
    await assert.rejects(failed, (error: Error) => {
      assert.match(error.message, /\[redacted\]/);
      return !JSON.stringify(error).includes(strongValue) && !error.message.includes(strongValue);
    });
    const logs = JSON.stringify(await host.host.plugins.logs(id, 100));
    assert.match(logs, /\[redacted\]/);
    assert.equal(logs.includes(strongValue), false);
    const records = JSON.stringify(await host.host.auditQuery({ limit: 1_000 }));
    assert.equal(records.includes(strongValue), false);
  }
  for (const name of ["convergio.db", "convergio.db-wal"]) {
    const bytes = await readFile(join(folder.path, "home", name)).catch(() => Buffer.alloc(0));
    assert.equal(bytes.includes(strongValue), false, name);
  }
  await using again = await openHostIn(folder.path);
  assert.equal(await read(again, "apiKey"), '"[redacted]"');
  assert.equal(await read(again, "units"), '"imperial"');
});

test("a secret setting stays when others are set, and goes when it is set to null", async () => {
  await using host = await openTestHost();
  await installed(host);
  const { plugins } = host.host;
  await plugins.setConfig(id, { apiKey: strongValue, many: { password: "x" } }, owner);
  await plugins.setConfig(id, { units: "metric" }, owner);
  assert.equal(await read(host, "apiKey"), '"[redacted]"');
  assert.equal(await read(host, "many"), '"[redacted]"');
  assert.deepEqual(plugins.config(id), { units: "metric" });
  // One that is like ordinary text is kept as well, but nobody looks for it.
  await plugins.setConfig(id, { apiKey: "password" }, owner);
  assert.equal(await read(host, "apiKey"), '"password"');
  await plugins.setConfig(id, { apiKey: strongValue }, owner);
  await plugins.setConfig(id, { apiKey: null }, owner);
  assert.equal(await codeOf(read(host, "apiKey")), "ok");
  assert.notEqual(await read(host, "apiKey"), '"[redacted]"');
});

test("a secret setting that does not fit is refused without being told back", async () => {
  await using host = await openTestHost();
  await installed(host);
  const { plugins } = host.host;
  const refused = plugins.setConfig(id, { apiKey: "hunter2" }, owner);
  await assert.rejects(refused, (error: Error) => !error.message.includes("hunter2"));
  assert.equal(await codeOf(plugins.setConfig(id, { apiKey: "hunter2" }, owner)), "CONFIG_INVALID");
  assert.deepEqual(plugins.config(id), {});
});

test("secret settings are sealed anew by a rotation, and forgotten by a purge", async () => {
  await using folder = await temporaryFolder();
  {
    await using host = await openHostIn(folder.path);
    await installed(host);
    await host.host.plugins.setConfig(id, { apiKey: strongValue }, owner);
    assert.equal((await host.host.secrets.rotate(owner)).state, "open");
  }
  await using host = await openHostIn(folder.path);
  assert.equal(await read(host, "apiKey"), '"[redacted]"');
  assert.deepEqual(host.host.secrets.list(), []);
  assert.equal(host.host.secrets.state().secrets, 1);
  await host.host.plugins.remove(id, owner, { purge: true });
  assert.equal(host.host.secrets.state().secrets, 0);
});

test("a part of a secret setting is kept out of what goes back, as the whole is", async () => {
  await using host = await openTestHost();
  const uses = { kv: { quota: "1MiB", reason: "test" } };
  await installHolder(host, "it", { more: { config }, uses });
  await invoke(host, "it", "kv_set", JSON.stringify({ key: "a", value: strongValue }));
  const kept = async () => JSON.stringify(await invoke(host, "it", "kv_get", '{"key":"a"}'));
  assert.match(await kept(), new RegExp(strongValue));
  await host.host.plugins.setConfig(id, { many: { password: strongValue, user: "ada" } }, owner);
  assert.doesNotMatch(await kept(), new RegExp(strongValue));
  assert.match(await kept(), /\[redacted\]/);
  await invoke(host, "it", "kv_set", '{"key":"a","value":"ada"}');
  assert.match(await kept(), /"ada/, "a word is not looked for");
});
