import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { settingKeys } from "#manifests/config.ts";
import { flagOf, readConfig, readConfigFile, rereadConfig } from "#runtime/config.ts";
import { homeFiles, readEnvironment } from "#runtime/environment.ts";
import { temporaryHome } from "#test/support/cli.ts";

interface Told {
  readonly file?: unknown;
  readonly variables?: Record<string, string>;
  readonly flags?: Parameters<typeof readConfig>[0]["flags"];
}

/** Options of a home that holds such a file, in such an environment. */
async function told(home: string, { file, variables = {}, flags = new Map() }: Told) {
  await mkdir(home, { recursive: true });
  if (file !== undefined) await writeFile(homeFiles(home).config, JSON.stringify(file));
  return { home, environment: readEnvironment({ ...variables, CONVERGIO_HOME: home }), flags };
}

test("readConfig() gives the defaults to a home without a file", async () => {
  await using folder = await temporaryHome();
  const { config, origins } = await readConfig(await told(folder.home, {}));
  assert.equal(config.server.host, "127.0.0.1");
  assert.ok(settingKeys.every((key) => origins.get(key) === "default"));
});

test("readConfig() lets flags win over the environment, and the environment over the file", async () => {
  await using folder = await temporaryHome();
  const { config, origins } = await readConfig(
    await told(folder.home, {
      file: { server: { port: 1000, drain: "5s" }, log: { level: "warn" } },
      variables: { CONVERGIO_SERVER_PORT: "2000", CONVERGIO_LOG_LEVEL: "debug" },
      flags: new Map([["server.port", "3000"]]),
    }),
  );
  assert.deepEqual(
    [config.server.port, config.log.level, config.server.drainMs],
    [3000, "debug", 5000],
  );
  assert.deepEqual(
    (["server.port", "log.level", "server.drain"] as const).map((key) => origins.get(key)),
    ["--port", "CONVERGIO_LOG_LEVEL", homeFiles(folder.home).config],
  );
});

test("readConfig() gives a value that nobody can change", async () => {
  await using folder = await temporaryHome();
  const { config } = await readConfig(await told(folder.home, {}));
  assert.throws(() => Object.assign(config.server, { port: 1 }), TypeError);
  assert.throws(() => Object.assign(config, { server: {} }), TypeError);
  assert.throws(() => (config.server.allowedHosts as string[]).push("x"), TypeError);
});

for (const [way, told_, origin] of [
  ["the file", { file: { server: { port: 70_000 } } }, /convergio\.json/],
  ["the environment", { variables: { CONVERGIO_SERVER_PORT: "70000" } }, /CONVERGIO_SERVER_PORT/],
  ["a flag", { flags: new Map([["server.port", "70000"]]) as Told["flags"] }, /--port/],
] as const)
  test(`readConfig() refuses a port out of range from ${way}, naming where and what`, async () => {
    await using folder = await temporaryHome();
    const options = await told(folder.home, told_ as Told);
    await assert.rejects(readConfig(options), (error: { code: string; message: string }) => {
      assert.equal(error.code, "SETTINGS_INVALID");
      assert.match(error.message, origin);
      assert.match(error.message, /server\.port/);
      assert.match(error.message, /70000/);
      return true;
    });
  });

test("readConfig() refuses a key that it does not know, in the file and in the environment", async () => {
  await using folder = await temporaryHome();
  const file = { server: { portt: 1 } };
  await assert.rejects(readConfig(await told(folder.home, { file })), {
    code: "SETTINGS_INVALID",
    message: /server\.portt/,
  });
  const variables = { CONVERGIO_SERVER_PROT: "1" };
  await assert.rejects(readConfig(await told(folder.home, { file: {}, variables })), {
    code: "SETTINGS_INVALID",
    message: /CONVERGIO_SERVER_PROT/,
  });
});

test("readConfig() refuses a file with a key twice", async () => {
  await using folder = await temporaryHome();
  const options = await told(folder.home, {});
  await writeFile(homeFiles(folder.home).config, '{"log":{"level":"warn","level":"info"}}');
  await assert.rejects(readConfig(options), { code: "JSON_INVALID" });
});

test("readConfig() starts a host beyond loopback without unsigned plugins, unless told so", async () => {
  await using folder = await temporaryHome();
  const flags = new Map([["server.host", "0.0.0.0"]]) as Told["flags"];
  const beyond = await readConfig(await told(folder.home, { flags }));
  assert.equal(beyond.config.trust.unsigned, "never");
  const file = { trust: { unsigned: "local" } };
  const asked = await readConfig(await told(folder.home, { flags, file }));
  assert.equal(asked.config.trust.unsigned, "local");
});

test("rereadConfig() says what a restart needs, and nothing of what a reload applies", async () => {
  await using folder = await temporaryHome();
  const before = await readConfig(await told(folder.home, {}));
  const options = await told(folder.home, {
    file: { server: { port: 1 }, log: { level: "warn" } },
  });
  const { resolved, needsRestart } = await rereadConfig(before.config, options);
  assert.deepEqual(needsRestart, ["server.port"]);
  assert.equal(resolved.config.log.level, "warn");
});

test("readConfigFile() refuses a file that is not there", async () => {
  await using folder = await temporaryHome();
  const file = join(folder.home, "none.json");
  await assert.rejects(readConfigFile(file), { code: "FILE_UNUSABLE" });
});

test("readEnvironment() takes an empty NO_COLOR as not set", () => {
  assert.equal(readEnvironment({ NO_COLOR: "" }).color, true);
  assert.equal(readEnvironment({ NO_COLOR: "1" }).color, false);
  assert.equal(readEnvironment({ TERM: "dumb" }).color, false);
});

test("flagOf() names options as they are typed", () => {
  assert.equal(flagOf("server.tlsCert"), "--tls-cert");
});
