/** What the documents say is what the code does: references are fresh, links resolve, metrics are named. */

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pages } from "../docs/build.ts";
import { createMetrics } from "#runtime/metrics.ts";

for (const [name, text] of pages) {
  test(`docs/${name} says what its table says; else run \`node docs/build.ts\``, () => {
    assert.equal(readFileSync(`docs/${name}`, "utf8"), text);
  });
}

test("every link of a document leads to a file that is there", () => {
  const documents = globSync("**/*.md").filter((path) => !/node_modules|build\//.test(path));
  const broken = documents.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !existsSync(join(dirname(path), link)))
      .map((link) => `${path}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

test("docs/metrics.md names every metric of the host, and no other", async () => {
  const metrics = createMetrics();
  metrics.watch({ running: () => 0, queued: () => 0, runners: () => 0, plugins: () => 0 });
  const names = [...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const own = names.filter((name) => !/^convergio_(process|nodejs)_/.test(name ?? ""));
  const text = readFileSync("docs/metrics.md", "utf8");
  const told = [...text.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  assert.deepEqual(told.sort(), own.sort());
});

test("README stays under 200 lines", () => {
  assert.ok(readFileSync("README.md", "utf8").split("\n").length < 200);
});
