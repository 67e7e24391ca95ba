import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveConfig } from "#manifests/config.ts";
import { checkLimits } from "#manifests/plugin-limits.ts";
import { refusalOf } from "#test/support/refusal.ts";

const { config } = resolveConfig([]);

test("checkLimits() gives the host's defaults where a manifest asks for nothing", () => {
  assert.deepEqual(checkLimits({}, config), config.defaults);
  assert.deepEqual(checkLimits({ fuel: 5, logBytes: 0 }, config), {
    ...config.defaults,
    fuel: 5,
    logBytes: 0,
  });
});

test("checkLimits() refuses each limit above its ceiling, naming the setting", () => {
  for (const [name, ceiling] of Object.entries(config.ceilings)) {
    assert.equal(checkLimits({ [name]: ceiling }, config)[name as "fuel"], ceiling);
    const { code, message } = refusalOf(() => checkLimits({ [name]: ceiling + 1 }, config));
    assert.equal(code, "LIMIT_ABOVE_CEILING", name);
    assert.match(
      message,
      /^Cannot accept manifest.json: limits\.\w+ is \w+, at most \w+ is allowed$/,
    );
  }
  const asked = { memoryBytes: 2 ** 30 };
  assert.match(
    refusalOf(() => checkLimits(asked, config)).message,
    /memory is 1GiB, at most 512MiB/,
  );
});
