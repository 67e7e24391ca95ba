import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readPackage } from "#registry/package.ts";
import { archiveOf } from "#runtime/edge/drill/archive.ts";

test("archiveOf() makes an archive that is read when it is honest", async () => {
  const content = Buffer.from("{}");
  const entries = [{ path: "manifest.json", content }];
  const { files } = await readPackage(gzipSync(archiveOf(entries)));
  assert.deepEqual([...files.keys()], ["manifest.json"]);
  assert.deepEqual(Buffer.from(files.get("manifest.json") ?? []), content);
});
