import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  configSchema,
  environmentSource,
  fileSource,
  optionSource,
  resolveConfig,
  type SettingKey,
  settingKeys,
  settings,
  startKeys,
  valueIn,
  variableOf,
} from "#manifests/config.ts";
import { type Setting, valueText } from "#manifests/setting.ts";
import { refusalOf } from "#test/support/refusal.ts";

const file = (value: unknown) => fileSource(Buffer.from(JSON.stringify(value)), "convergio.json");
const inFile = (key: SettingKey, written: unknown) => {
  const [section = "", name = ""] = key.split(".");
  return file({ [section]: { [name]: written } });
};

/** Every way of setting something. */
const ways: Record<string, (key: SettingKey, text: string) => ReturnType<typeof file>> = {
  file: (key, text) => inFile(key, settings[key].kind === "integer" ? Number(text) : text),
  environment: (key, text) => environmentSource({ [variableOf(key)]: text }),
  option: (key, text) => optionSource(new Map([[key, text]]), () => "--set"),
};

test("every range holds, whichever way the setting is set", () => {
  for (const key of settingKeys) {
    const setting: Setting = settings[key];
    if (setting.minimum === undefined || setting.maximum === undefined) continue;
    for (const [way, source] of Object.entries(ways)) {
      const at = (value: number) => source(key, valueText(setting, value));
      assert.equal(at(setting.minimum).values.get(key), setting.minimum, `${key} ${way}`);
      assert.equal(at(setting.maximum).values.get(key), setting.maximum, `${key} ${way}`);
      const { code, message } = refusalOf(() => at((setting.maximum ?? 0) + 1));
      assert.equal(code, "SETTINGS_INVALID");
      assert.match(message, new RegExp(`setting ${key} from .*: must be from`), way);
      if (setting.minimum > 0)
        assert.equal(refusalOf(() => at((setting.minimum ?? 0) - 1)).code, "SETTINGS_INVALID", key);
    }
  }
});

test("every setting has a default in its range, a sentence and a variable of its own", () => {
  const { config, origins } = resolveConfig([]);
  for (const key of settingKeys) {
    const setting: Setting = settings[key];
    const { minimum = 0, maximum = 0 } = setting;
    if (typeof setting.default === "number")
      assert.ok(setting.default >= minimum && setting.default <= maximum, key);
    assert.equal(valueIn(config, key), setting.default, key);
    assert.equal(origins.get(key), "default");
    assert.match(setting.what, /^[A-Z].*[^.]$/, key);
  }
  assert.equal(new Set(settingKeys.map(variableOf)).size, settingKeys.length);
  assert.equal(variableOf("server.tlsCert"), "CONVERGIO_SERVER_TLS_CERT");
});

test("resolveConfig() lets the later source win, and remembers who said what", () => {
  const { config, origins } = resolveConfig([
    file({ server: { port: 1, host: "::1" }, ceilings: { memory: "1GiB" } }),
    environmentSource({ CONVERGIO_SERVER_PORT: "2", CONVERGIO_HOME: "/x", PATH: "/bin" }),
    optionSource(new Map([["log.level", "debug"]]), () => "--log-level"),
  ]);
  assert.equal(config.server.port, 2);
  assert.equal(config.server.host, "::1");
  assert.equal(config.ceilings.memoryBytes, 2 ** 30);
  assert.equal(config.log.level, "debug");
  assert.equal(origins.get("server.port"), "CONVERGIO_SERVER_PORT");
  assert.equal(origins.get("server.host"), "convergio.json");
  assert.equal(origins.get("log.level"), "--log-level");
});

test("sources refuse what is no setting or not its form, naming setting and source", () => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => file({ server: { prt: 1 } }), /server\.prt from convergio\.json: is not a known key/],
    [() => file({ sever: {} }), /sever from convergio\.json: is not a known key/],
    [() => file({ server: { port: "1" } }), /server\.port from .*: must be an integer, found "1"/],
    [() => file({ ceilings: { memory: 512 } }), /ceilings\.memory from .*: must be a size/],
    [() => file({ runners: { share: "yes" } }), /runners\.share from .*: must be a boolean/],
    [() => file({ trust: { unsigned: "always" } }), /trust\.unsigned .*one of "local", "never"/],
    [
      () => file({ server: { behindProxy: ["10.0.0.0"] } }),
      /behindProxy\[0\] .*range of addresses/,
    ],
    [() => file({ server: { allowedOrigins: ["*"] } }), /allowedOrigins\[0\] .*an origin/],
    [() => file([]), /the document from convergio\.json: must be an object/],
    [
      () => environmentSource({ CONVERGIO_SERVER_PRT: "1" }),
      /"CONVERGIO_SERVER_PRT".*is no setting/,
    ],
    [
      () => environmentSource({ CONVERGIO_SERVER_PORT: "1e3" }),
      /CONVERGIO_SERVER_PORT: must be an int/,
    ],
    [() => environmentSource({ CONVERGIO_RUNNERS_SHARE: "1" }), /RUNNERS_SHARE: must be a boolean/],
    [() => environmentSource({ CONVERGIO_LOG_LEVEL: "" }), /CONVERGIO_LOG_LEVEL: must be one of/],
  ];
  for (const [run, words] of cases) {
    const { code, message } = refusalOf(run);
    assert.equal(code, "SETTINGS_INVALID");
    assert.match(message, words);
  }
  const twice = Buffer.from('{"server":{"port":1,"port":2}}');
  assert.equal(refusalOf(() => fileSource(twice, "convergio.json")).code, "JSON_INVALID");
});

test("environmentSource() reads lists between commas, flags and empty paths", () => {
  const { values } = environmentSource({
    CONVERGIO_SERVER_ALLOWED_HOSTS: "a.example, b.example:8080",
    CONVERGIO_SERVER_BEHIND_PROXY: "",
    CONVERGIO_RUNNERS_SHARE: "true",
    CONVERGIO_SERVER_TLS_CERT: "",
  });
  assert.deepEqual(Object.fromEntries(values), {
    "server.tlsCert": null,
    "server.behindProxy": [],
    "server.allowedHosts": ["a.example", "b.example:8080"],
    "runners.share": true,
  });
});

test("resolveConfig() refuses settings that contradict each other", () => {
  const lone = refusalOf(() => resolveConfig([file({ server: { tlsKey: "/k" } })]));
  assert.match(
    lone.message,
    /server\.tlsKey from convergio\.json: needs server\.tlsCert beside it/,
  );
  for (const name of ["memory", "timeout", "input", "output", "log"] as const) {
    const key: SettingKey = `defaults.${name}`;
    const { default: high } = settings[`ceilings.${name}`];
    const text = valueText(settings[key], high + (name === "timeout" ? 1 : 1_024));
    const run = () => resolveConfig([environmentSource({ [variableOf(key)]: text })]);
    assert.match(refusalOf(run).message, new RegExp(`${key} .*at most ceilings.${name}`));
  }
});

test("startKeys() tells what a reload cannot apply", () => {
  const before = resolveConfig([]).config;
  const after = resolveConfig([file({ server: { port: 1 }, log: { level: "debug" } })]).config;
  assert.deepEqual(startKeys(before, after), ["server.port"]);
  assert.deepEqual(startKeys(before, before), []);
});

test("configSchema() is JSON Schema 2020-12 that editors can load", () => {
  const schema = JSON.parse(JSON.stringify(configSchema()));
  const isConfig = new Ajv2020().addVocabulary(["errorMessage"]).compile(schema);
  assert.ok(isConfig({ server: { port: 8080 }, ceilings: { memory: "1GiB" } }));
  assert.ok(!isConfig({ server: { port: "8080" } }));
});
