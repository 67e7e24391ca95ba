/** The attacker is the power switch: `kill -9` between the yes of an operator and the version it was for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "#test/support/child.ts";
import { approve, held, writeVersion } from "#test/support/consents.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { openHostIn } from "#test/support/host.ts";

const program = fileURLToPath(new URL("../faults/consent-child.ts", import.meta.url));
const onLinux = { skip: process.platform !== "linux" && "killed hosts are looked after on Linux" };

for (const moment of ["waiting", "consent", "stage", "compile", "health", "activate", "done"])
  test(
    `a host killed at "${moment}" has the version with its grants, or the request and neither`,
    onLinux,
    async () => {
      await using folder = await temporaryFolder();
      const uses = { kv: { quota: "1MiB", reason: "keep" } };
      const path = await (async () => {
        await using first = await openHostIn(folder.path);
        return await writeVersion(first, "1.0.0", uses);
      })();
      await using child = startChild(program, [folder.path, path]);
      let line: string | undefined = "";
      while (line !== undefined && !line.startsWith(moment)) line = await child.line();
      assert.ok(line !== undefined, "the host says each step");
      await child.kill();
      await using host = await openHostIn(folder.path);
      const { requests, plugins } = host.host;
      const [waiting] = await requests.list();
      assert.equal(plugins.list().length, waiting === undefined ? 1 : 0);
      // What the last word of the host was about is durable.
      if (moment === "done") assert.equal(waiting, undefined);
      if (waiting !== undefined) await approve(host, await requests.show(waiting.number));
      assert.equal(held(host).kv?.quota, "1MiB");
      assert.deepEqual(await requests.list(), []);
    },
  );
