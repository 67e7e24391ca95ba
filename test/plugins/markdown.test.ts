import assert from "node:assert/strict";
import { test } from "node:test";
import { guestOf, manifestOf, missing } from "./yardstick.ts";

const skip = await missing("markdown");

async function render(markdown: string, unsafeHtml = false): Promise<string> {
  await using guest = await guestOf("markdown");
  return JSON.parse(await guest.call("render", JSON.stringify({ markdown, unsafeHtml }))).html;
}

test("markdown renders CommonMark", { skip }, async () => {
  assert.equal(
    await render("# Größe 🦉\n\n*a* **b** `c<d`\n"),
    ["<h1>Größe 🦉</h1>\n", "<p><em>a</em> <strong>b</strong> <code>c&lt;d</code></p>\n"].join(""),
  );
  assert.equal(await render(""), "");
});

test("markdown renders the extensions of GitHub", { skip }, async () => {
  const html = await render("|a|b|\n|-|:-:|\n|1|~~2~~|\n\n- [x] done\n\nhttps://example.org\n");
  assert.match(html, /<table>\n<thead>\n<tr>\n<th>a<\/th>/);
  assert.match(html, /<del>2<\/del>/);
  assert.match(html, /<input checked="" disabled="" type="checkbox">/);
  assert.match(html, /<a href="https:\/\/example.org">/);
});

test("markdown lets no script through unless it is told to", { skip }, async () => {
  const hostile = [
    "<script>alert(1)</script>",
    "a <img src=x onerror=alert(1)> b",
    "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,x) [v](vbscript:x)",
    "![x](javascript:alert(1))\n\n<javascript:alert(1)>",
    '[x](https://example.org "\\"onmouseover=alert(1)")',
    "[x]: javascript:alert(1)\n\n[x]",
  ];
  for (const markdown of hostile) {
    const html = await render(markdown);
    assert.doesNotMatch(
      html,
      /<script|<img src=x|(href|src)="\s*(javascript|data|vbscript):/i,
      html,
    );
    assert.doesNotMatch(html.replaceAll(/"[^"]*"/g, '""'), /onmouseover|onerror/, html);
  }
  assert.match(await render("<b>x</b>"), /<!-- raw HTML omitted -->/);
  assert.equal(await render("<b>x</b>\n", true), "<p><b>x</b></p>\n");
});

test("markdown answers whatever it is given", { skip }, async () => {
  await using guest = await guestOf("markdown");
  for (const markdown of [
    "> ".repeat(2000),
    "[".repeat(20_000),
    `${"*a_".repeat(5000)}`,
    `|${"a|".repeat(1000)}\n|${"-|".repeat(1000)}\n`.repeat(3),
    "\u0000\ufffd\ud800\n\t&#0;",
  ]) {
    const answer = JSON.parse(await guest.call("render", JSON.stringify({ markdown })));
    assert.equal(typeof answer.html, "string");
  }
});

test("markdown refuses input that is none and goes on", { skip }, async () => {
  await using guest = await guestOf("markdown");
  for (const input of ["", "{", "[]", '{"markdown":1}']) {
    await assert.rejects(guest.call("render", input), /JSON|unmarshal/);
  }
  assert.equal(await guest.call("render", '{"markdown":"x"}'), '{"html":"<p>x</p>\\n"}');
});

test("markdown renders long pages within its memory", { skip }, async () => {
  const manifest = manifestOf("markdown");
  assert.equal(manifest.limits.memory, "128MiB");
  const lengthMax = manifest.provides.tools[0].input.properties.markdown.maxLength;
  // Two characters a node: hardly any page makes a larger tree of its length.
  const dense = "# ж\n\n*ж* [ж](ж)\n\n> - ж\n\n";
  const input = JSON.stringify({ markdown: dense.repeat(lengthMax / dense.length) });
  await using guest = await guestOf("markdown");
  for (let calls = 0; calls < 4; calls++) {
    const html: string = JSON.parse(await guest.call("render", input)).html;
    assert.equal(html.match(/<h1>/g)?.length, Math.floor(lengthMax / dense.length));
  }
  const memoryBytes = await guest.memoryBytes();
  assert(memoryBytes < 96 * 1024 * 1024, `${memoryBytes} bytes`);
});
