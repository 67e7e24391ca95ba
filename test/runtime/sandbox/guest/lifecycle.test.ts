import assert from "node:assert/strict";
import { test } from "node:test";
import { initExports, outcomeOf } from "#runtime/sandbox/guest/lifecycle.ts";

const plain = (name: string) => ({ name, params: [], results: [] });
const callable = (name: string) => ({ name, params: [], results: ["i32"] });
const haskell = { name: "hs_init", params: ["i32", "i32"], results: [] };

const inits = [
  { exports: [], calls: [] },
  { exports: [plain("_start"), plain("run")], calls: [] },
  { exports: [plain("_initialize")], calls: ["_initialize()"] },
  { exports: [plain("__wasm_call_ctors")], calls: ["__wasm_call_ctors()"] },
  { exports: [plain("_initialize"), plain("__wasm_call_ctors")], calls: ["__wasm_call_ctors()"] },
  { exports: [callable("__wasm_call_ctors"), plain("_initialize")], calls: ["_initialize()"] },
  { exports: [callable("_initialize")], calls: [] },
  { exports: [haskell], calls: ["hs_init(0,0)"] },
  { exports: [haskell, plain("_initialize")], calls: ["_initialize()", "hs_init(0,0)"] },
  {
    exports: [plain("__wasm_call_ctors"), haskell, plain("_initialize")],
    calls: ["_initialize()", "hs_init(0,0)"],
  },
  { exports: [plain("hs_init"), plain("_initialize")], calls: ["_initialize()"] },
];

test("initExports() names the initialisers in the order of the reference, and never _start", () => {
  for (const { exports, calls } of inits)
    assert.deepEqual(
      initExports(exports).map(({ name, args }) => `${name}(${args})`),
      calls,
    );
});

const trap = new WebAssembly.RuntimeError("unreachable");
const failed = (message: string) => ({ ok: false, code: "PLUGIN_ERROR", message });
const outcomes = [
  { ending: {}, outcome: { ok: true } },
  { ending: { returned: 0 }, outcome: { ok: true } },
  { ending: { returned: 0, error: "" }, outcome: { ok: true } },
  { ending: { exitCode: 0 }, outcome: { ok: true } },
  { ending: { returned: 0, error: "no" }, outcome: failed("no") },
  { ending: { returned: 1, error: "no" }, outcome: failed("no") },
  { ending: { exitCode: 0, error: "no" }, outcome: failed("no") },
  { ending: { trap, error: "no" }, outcome: failed("no") },
  { ending: { returned: 7 }, outcome: failed("Returned non-zero exit code: 7") },
  { ending: { returned: -3 }, outcome: failed("Returned non-zero exit code: -3") },
  { ending: { returned: 0n }, outcome: failed("Returned non-zero exit code: -1") },
  { ending: { returned: 0.5 }, outcome: failed("Returned non-zero exit code: -1") },
  { ending: { returned: [0, 0] }, outcome: failed("Returned non-zero exit code: -1") },
  { ending: { exitCode: 3 }, outcome: failed("Returned non-zero exit code: 3") },
  { ending: { trap }, outcome: { ok: false, code: "PLUGIN_TRAPPED", message: "unreachable" } },
];

test("outcomeOf() puts the guest's message before a trap, and a trap before its return code", () => {
  for (const { ending, outcome } of outcomes) assert.deepEqual(outcomeOf(ending), outcome);
});
