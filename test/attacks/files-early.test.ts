/** Attacks on files at the edges of a call: while a guest is made, while grants go, after the end. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { guest, wasiImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost, type TestHost } from "#test/support/host.ts";

const skip = process.platform === "win32";
const open = "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)";

/** Opens `early` in folder 3 and keeps the answer; `$digits` says it. */
const opening = `
  (global $said (mut i32) (i32.const -1))
  (data (i32.const 2048) "early")
  (func $try (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 2048) (i32.const 5) (i32.const 9)
      (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 4096)))
  (func $digits (param $number i32)
    (i32.store8 (i32.const 3000) (i32.add (i32.const 48) (i32.div_u (local.get $number) (i32.const 10))))
    (i32.store8 (i32.const 3001) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
    (call $say (i32.const 3000) (i32.const 2)))`;

const uses = { files: [{ name: "cache", access: "write", reason: "keep" }] };
const imports =
  wasiImport("path_open", open) + wasiImport("fd_write", "(param i32 i32 i32 i32) (result i32)");

async function kept({ folder }: TestHost): Promise<string[]> {
  const entries = await readdir(join(folder, "home/data"), {
    recursive: true,
    withFileTypes: true,
  });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test("nothing is opened in a start section or an initialiser, and the guest hears so", {
  skip,
}, async () => {
  await using host = await openTestHost();
  const provides = { tools: [{ name: "answer", encoding: "text" }] };
  const starts = {
    "in-start": "(start $early) (func $early (global.set $said (call $try)))",
    "in-init": '(func (export "_initialize") (global.set $said (call $try)))',
  };
  for (const [id, start] of Object.entries(starts)) {
    const body = `${opening} ${start} (func (export "answer") (call $digits (global.get $said)))`;
    await installGuest(host, {
      id,
      module: guest({ imports, body }),
      manifest: { provides, uses },
    });
    const { value } = await invoke(host, id, "answer", "");
    // EFAULT: no memory is known before the guest is made; ENOTCAPABLE: no call to ask on behalf of.
    assert.equal(value, id === "in-start" ? 21 : 76, id);
  }
  assert.deepEqual(await kept(host), []);
});

test("a module that asks for no files has none, whatever it imports", { skip }, async () => {
  await using host = await openTestHost();
  const body = `${opening} (func (export "answer") (call $digits (call $try)))`;
  const provides = { tools: [{ name: "answer", encoding: "text" }] };
  await installGuest(host, {
    id: "plain",
    module: guest({ imports, body }),
    manifest: { provides },
  });
  assert.equal((await invoke(host, "plain", "answer", "")).value, 76);
});

/** Writes a line for ever: each goes to the host at once, as it is synced. */
const forEver = `${opening}
  (data (i32.const 2100) "\\40\\08\\00\\00\\05\\00\\00\\00")
  (func (export "answer") (local $answer i32)
    (local.set $answer (call $try))
    (if (local.get $answer) (then (call $digits (local.get $answer)) (return)))
    (loop $again
      (drop (call $fd_write (i32.load (i32.const 4096)) (i32.const 2100) (i32.const 1) (i32.const 4100)))
      (local.set $answer (call $fd_sync (i32.load (i32.const 4096))))
      (br_if $again (i32.eqz (local.get $answer))))
    (call $digits (local.get $answer)))`;

test("a revoked grant ends what a running call does, at its next question", { skip }, async () => {
  await using host = await openTestHost();
  const provides = { tools: [{ name: "answer", encoding: "text" }] };
  const module = guest({
    imports: imports + wasiImport("fd_sync", "(param i32) (result i32)"),
    body: forEver,
  });
  await installGuest(host, { id: "writer", module, manifest: { provides, uses } });
  const running = invoke(host, "writer", "answer", "");
  const file = async () => {
    for (;;) {
      const [name] = await kept(host);
      if (name === "early") return;
      await new Promise((turn) => setTimeout(turn, 5));
    }
  };
  await file();
  const { revision } = host.host.grants.view("local/writer");
  await host.host.grants.edit(
    "local/writer",
    { document: { grants: 1 }, revision, callers: [] },
    owner,
  );
  assert.equal((await running).value, 76);
  assert.equal((await invoke(host, "writer", "answer", "")).value, 76);
  const audit = (await host.host.auditQuery({ limit: 20 })) as {
    act: string;
    target: string;
    decision: string;
  }[];
  const denied = audit
    .filter(({ decision }) => decision === "denied")
    .map(({ act, target }) => `${act} ${target}`);
  assert(denied.includes("files_write cache:/early"), JSON.stringify(denied));
});

test("a call that is ended by force leaves what was there", { skip }, async () => {
  await using host = await openTestHost();
  const provides = {
    tools: [
      { name: "save", encoding: "text" },
      { name: "hang", encoding: "text" },
    ],
  };
  const write = `(drop (call $try)) (i32.store (i32.const 2100) (i32.const 2112)) (i32.store (i32.const 2104) (i32.const 3))
    (drop (call $fd_write (i32.load (i32.const 4096)) (i32.const 2100) (i32.const 1) (i32.const 4100)))`;
  const body = `${opening} (data (i32.const 2112) "old")
    (func (export "save") ${write} (call $ok))
    (func (export "hang") ${write.replace("(i32.const 2112)", "(i32.const 2048)")} (loop $again (br $again)))`;
  const limits = { timeout: "300ms" };
  await installGuest(host, {
    id: "hangs",
    module: guest({ imports, body }),
    manifest: { provides, uses, limits },
  });
  await invoke(host, "hangs", "save", "");
  assert.equal(await codeOf(invoke(host, "hangs", "hang", "")), "DEADLINE_EXCEEDED");
  const entries = await readdir(join(host.folder, "home/data"), {
    recursive: true,
    withFileTypes: true,
  });
  const found = entries.find(({ name }) => name === "early");
  assert(found);
  assert.equal(await readFile(join(found.parentPath, "early"), "utf8"), "old");
});

test("a program that exits has written what it wrote, and cannot go on after", {
  skip,
}, async () => {
  await using host = await openTestHost();
  const provides = { tools: ["exit", "fail"].map((name) => ({ name, encoding: "text" })) };
  const program = (exported: string, code: number) => `(func (export "${exported}")
    (drop (call $try)) (i32.store (i32.const 2100) (i32.const 2048)) (i32.store (i32.const 2104) (i32.const 5))
    (drop (call $fd_write (i32.load (i32.const 4096)) (i32.const 2100) (i32.const 1) (i32.const 4100)))
    (try (do (call $proc_exit (i32.const ${code}))) (catch_all (loop $again (br $again))))
    (call $ok))`;
  const body = `${opening} ${program("exit", 0)} ${program("fail", 3)}`;
  const module = guest({ imports: imports + wasiImport("proc_exit", "(param i32)"), body });
  await installGuest(host, { id: "exits", module, manifest: { provides, uses } });
  const read = async () => {
    const entries = await readdir(join(host.folder, "home/data"), {
      recursive: true,
      withFileTypes: true,
    });
    const found = entries.find(({ name }) => name === "early");
    return found === undefined ? "" : readFile(join(found.parentPath, "early"), "utf8");
  };
  assert.equal(await codeOf(invoke(host, "exits", "fail", "")), "PLUGIN_ERROR");
  assert.equal(await read(), "early");
  const exited = host.host.call({
    ...{ caller: owner, plugin: "local/exits", tool: "exit" },
    input: { json: '""' },
  });
  assert.equal(await codeOf(exited), "ok");
  assert.equal(await read(), "early");
});

test("a module that imports a function in a form of its own is not started, and told why", {
  skip,
}, async () => {
  await using host = await openTestHost();
  const provides = { tools: [{ name: "answer", encoding: "text" }] };
  const module = guest({
    imports: wasiImport("path_open", "(param i64) (result i64)"),
    body: '(func (export "answer") (drop (call $path_open (i64.const 3))) (call $ok))',
  });
  await installGuest(host, { id: "odd", module, manifest: { provides, uses } });
  const failed = invoke(host, "odd", "answer", "");
  await assert.rejects(failed, /INIT_FAILED|path_open/);
  assert.equal(await codeOf(invoke(host, "odd", "answer", "")), "INIT_FAILED");
});
