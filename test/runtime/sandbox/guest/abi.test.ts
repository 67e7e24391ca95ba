import assert from "node:assert/strict";
import { test } from "node:test";
import createPlugin from "@extism/extism";
import { envFunctions, logLevels } from "#plugin-sdk/abi.ts";
import { HostError } from "#manifests/errors.ts";
import { wat } from "#test/support/wat.ts";
import { blockCases } from "./cases/blocks.ts";
import { callCases } from "./cases/calls.ts";
import { type Case, guestText } from "./cases/case.ts";
import { hostCases } from "./cases/host.ts";
import { type Around, type Ended, testGuest, testKernel } from "./harness.ts";

const kernel = await testKernel();
const config = { key: "value" };

/** Runs a body as a guest of ours. */
async function run(
  body: string,
  { emits = 1, input = "", results = "", ...around }: RunOptions = {},
): Promise<Ended> {
  const text = guestText(body, emits, results);
  const guest = await testGuest(kernel, text, { config, pagesMax: 1_000, ...around });
  return guest.call("run", input);
}

type RunOptions = Around & { emits?: number; input?: string; results?: string };

/** Runs a body as a guest of the JavaScript SDK of Extism. */
async function runSdk({ body, emits, input }: Case): Promise<Ended> {
  const bytes = await wat(guestText(body, emits?.length ?? 1));
  const plugin = await createPlugin({ wasm: [{ data: bytes }] }, { useWasi: false, config });
  try {
    const output = await plugin.call("run", input ?? "");
    return { output: Buffer.from(output?.bytes() ?? []) };
  } catch (error) {
    const message = (error as Error).message.replace("Plugin-originated error: ", "");
    return { code: "", message };
  } finally {
    await plugin.close();
  }
}

function assertEnds(ended: Ended, { emits, fails, text }: Case): void {
  if (fails !== undefined) {
    assert.ok("message" in ended, "the call did not fail");
    assert.match(ended.message, fails);
    return;
  }
  assert.ok("output" in ended, JSON.stringify(ended));
  if (emits === undefined) assert.equal(ended.output.toString(), text);
  else assert.deepEqual(numbersIn(ended), emits.map(BigInt));
}

function numbersIn(ended: Ended): bigint[] {
  assert.ok("output" in ended, JSON.stringify(ended));
  const { output } = ended;
  return Array.from({ length: output.length / 8 }, (_, index) => output.readBigInt64LE(8 * index));
}

for (const each of [...blockCases, ...callCases, ...hostCases])
  test(each.name, async () => {
    assertEnds(await run(each.body, { ...each, emits: each.emits?.length ?? 1 }), each);
    const sdk = await runSdk(each);
    if (each.sdkDiffers === undefined) assertEnds(sdk, each);
    else assert.throws(() => assertEnds(sdk, each), `no longer ${each.sdkDiffers}`);
  });

test("createEnv() has every function of the table, and no other", async () => {
  const imports = Object.entries(envFunctions).map(
    ([name, { params, results }]) =>
      `(import "extism:host/env" "${name}" (func (param ${params.join(" ")}) (result ${results.join(" ")})))`,
  );
  await testGuest(kernel, `(module ${imports.join("\n")})`);
  assert.equal(imports.length, 27);
  for (const name of ["memory", "host_reset", "host_alloc", "host_input", "reset", "input_set"])
    await assert.rejects(testGuest(kernel, `(module (import "extism:host/env" "${name}" (func)))`));
});

const codes = [
  { results: "(result i32)", body: "(i32.const 0)", fails: undefined },
  { results: "(result i32)", body: "(i32.const 7)", fails: "Returned non-zero exit code: 7" },
  { results: "(result i32)", body: "(i32.const -1)", fails: "Returned non-zero exit code: -1" },
  { results: "(result i64)", body: "(i64.const 0)", fails: "Returned non-zero exit code: -1" },
  {
    results: "(result i32)",
    body: "(call $error_set (call $value)) (i32.const 0)",
    fails: "value",
  },
  {
    results: "(result i32)",
    body: "(call $error_set (call $value)) (i32.const 3)",
    fails: "value",
  },
];

test("a return code fails the call, in the guest's words when it has any", async () => {
  for (const { results, body, fails } of codes) {
    const ended = await run(body, { results });
    assert.equal("message" in ended ? ended.message : undefined, fails, body);
  }
});

test("var_set() keeps variables from call to call, and none where they are disabled", async () => {
  const body = `(local.set $a (call $var_get (call $key))) (call $var_set (call $key) (call $value))
    (call $output_set (local.get $a) (call $length (local.get $a)))`;
  const guest = await testGuest(kernel, guestText(body, 1));
  assert.deepEqual(await guest.call("run"), { output: Buffer.from("") });
  assert.deepEqual(await guest.call("run"), { output: Buffer.from("value") });
  const disabled = await run(body, { varsBytesMax: 0 });
  assert.deepEqual(disabled, { code: "PLUGIN_TRAPPED", message: "Vars are disabled" });
});

test("log functions tell level and text, and nothing below the level", async () => {
  const body = `(call $log_trace (call $key)) (call $log_debug (call $key)) (call $log_info (call $key))
    (call $log_warn (call $value)) (call $log_error (call $text (i32.const 35) (i32.const 3)))
    (call $emit32 (call $get_log_level))`;
  const all = await testGuest(kernel, guestText(body, 1));
  assert.deepEqual(numbersIn(await all.call("run")), [0n]);
  const { trace, debug, info, warn, error, off } = logLevels;
  const told = [
    [trace, "key"],
    [debug, "key"],
    [info, "key"],
    [warn, "value"],
    [error, "\u{fffd}\u{fffd}|"],
  ];
  assert.deepEqual(all.logs, told);
  const warnings = await testGuest(kernel, guestText(body, 1), { logLevel: warn });
  assert.deepEqual(numbersIn(await warnings.call("run")), [3n]);
  assert.deepEqual(warnings.logs, told.slice(3));
  const silent = await testGuest(kernel, guestText(body, 1), { logLevel: off });
  assert.deepEqual(numbersIn(await silent.call("run")), [0x7fffffffn]);
  assert.deepEqual(silent.logs, []);
});

test("a log function takes 64 KiB of a longer text", async () => {
  const guest = await testGuest(
    kernel,
    guestText("(call $log_info (call $alloc (i64.const 100000)))", 1),
  );
  await guest.call("run");
  assert.equal(guest.logs[0]?.[1].length, 65_536);
});

const request = "(call $text (i32.const 38) (i32.const 28))";
const body = "(call $text (i32.const 67) (i32.const 4))";

test("http_request() gives the body, the status and the headers of the last request", async () => {
  const asked: unknown[] = [];
  const ended = await run(
    `(local.set $a (call $http_request ${request} ${body}))
    (call $emit (call $length (local.get $a))) (call $emit32 (call $http_status_code))
    (call $emit (call $length (call $http_headers)))
    (local.set $a (call $http_request ${request} (i64.const 0)))
    (call $emit (local.get $a)) (call $emit32 (call $http_status_code))
    (call $emit (call $http_headers))`,
    {
      emits: 6,
      async http(json, sent) {
        asked.push([JSON.parse(json), sent]);
        return sent === undefined
          ? { status: 404, body: new Uint8Array() }
          : { status: 200, headers: { etag: "1" }, body: Buffer.from("answer") };
      },
    },
  );
  assert.deepEqual(numbersIn(ended), [6n, 200n, 12n, 0n, 404n, 0n]);
  const url = { url: "https://a.example/" };
  assert.deepEqual(asked, [
    [url, "body"],
    [url, undefined],
  ]);
});

test("http_request() frees both blocks, and freeing them again leaves the answer alone", async () => {
  const ended = await run(
    `(local.set $a ${request}) (local.set $b ${body})
    (local.set $c (call $http_request (local.get $a) (local.get $b)))
    (call $emit (call $length (local.get $a))) (call $emit (call $length (local.get $b)))
    (call $free (local.get $a)) (call $free (local.get $b))
    (call $emit (call $same (local.get $c) (i32.const 4) (i32.const 5)))`,
    { emits: 3, http: async () => ({ status: 200, body: Buffer.from("value") }) },
  );
  assert.deepEqual(numbersIn(ended), [0n, 0n, 1n]);
});

test("http_request() ends the call for bogus handles, and asks nothing", async () => {
  const http = () => assert.fail("a request was made");
  for (const [call, words] of [
    [`(i64.const 0) ${body}`, "invalid handle of http request: 0"],
    [`(i64.const 5) (i64.const 0)`, "invalid handle of http request: 5"],
    [`${request} (i64.const 5)`, "invalid handle of http request body: 5"],
    [
      "(call $alloc (i64.const 1048577)) (i64.const 0)",
      "http request is longer than 1048576 bytes",
    ],
  ] as const)
    assert.deepEqual(await run(`(drop (call $http_request ${call}))`, { http }), {
      code: "PLUGIN_TRAPPED",
      message: words,
    });
});

test("http_request() ends the call for a rejection, and the guest cannot handle it", async () => {
  const fault = new HostError("INTERNAL", {});
  const ended = await run(
    `(try (do (drop (call $http_request ${request} (i64.const 0)))) (catch_all))`,
    { http: () => Promise.reject(fault) },
  );
  assert.deepEqual(ended, { code: "INTERNAL", message: fault.message });
});

test("an answer that does not fit the memory ends the call", async () => {
  const ended = await run(`(drop (call $http_request ${request} (i64.const 0)))`, {
    pagesMax: 4,
    http: async () => ({ status: 200, body: new Uint8Array(1_000_000) }),
  });
  assert.deepEqual(ended, {
    code: "MEMORY_EXHAUSTED",
    message: "no memory for 1000000 bytes of an answer",
  });
});

test("what the host ends, the guest cannot handle", async () => {
  for (const body of [
    "(drop (call $config_get (i64.const 5)))",
    "(call $log_info (i64.const 5))",
    "(call $var_set (call $key) (call $alloc (i64.const 2000000)))",
  ]) {
    const ended = await run(`(try (do ${body}) (catch_all))`);
    assert.ok("code" in ended && ended.code === "PLUGIN_TRAPPED", body);
  }
});

test("every byte that crosses is charged", async () => {
  const text = guestText("(drop (call $config_get (call $alloc (i64.const 500000))))", 1);
  const guest = await testGuest(kernel, text);
  await guest.call("run");
  assert.ok(guest.chargedBytes() >= 500_000);
});
