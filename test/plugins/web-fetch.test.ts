import assert from "node:assert/strict";
import { test } from "node:test";
import { guestOf, missing } from "./yardstick.ts";

const skip = await missing("web-fetch");

/** Starts the plugin before a far side that answers every request like this. */
async function started(response: object, config: Record<string, string> = {}) {
  const urls: string[] = [];
  const guest = await guestOf("web-fetch", {
    config,
    functions: {
      network_fetch: (request) => {
        const [{ url } = { url: "" }] = (request as { requests: { url: string }[] }).requests;
        urls.push(url);
        return { ok: { responses: [{ url, status: 200, headers: {}, ...response }] } };
      },
    },
  });
  return { guest, urls };
}

const html = (body: string, type = "text/html; charset=utf-8") => ({
  headers: { "content-type": type },
  body,
});

async function textOf(body: string): Promise<string> {
  const { guest } = await started(html(body));
  await using _ = guest;
  return JSON.parse(await guest.call("fetch", '{"url":"https://a.example/"}')).text;
}

test("web-fetch gives the words of a page and leaves out what nobody reads", { skip }, async () => {
  const page = `<!doctype html><html><head><title> The
    title </title><style>p{}</style></head><body><nav>menu</nav><script>alert(1)</script>
    <h1>One &amp; two</h1><p>First   <b>bold</b>,
    second.</p><p hidden>no</p><p style="display: none">no</p><ul><li>a<li>b <i>c</i></ul>
    <table><tr><th>k<th>v<tr><td>1<td>2</table><p>ü 🦉<sup class="reference">[1]</sup></p></body>`;
  const { guest } = await started(html(page));
  await using _ = guest;
  const found = JSON.parse(await guest.call("fetch", '{"url":"https://a.example/"}'));
  assert.equal(found.title, "The title");
  assert.equal(
    found.text,
    "# One & two\n\nFirst bold, second.\n\n- a\n- b c\n\nk\tv\n1\t2\n\nü 🦉",
  );
  assert.deepEqual([found.fromCache, found.truncated], [false, false]);
});

test("web-fetch answers for pages that are no pages", { skip }, async () => {
  assert.equal(await textOf(""), "");
  assert.equal(await textOf("<p>a<p>b</i></b></p>"), "a\n\nb");
  assert.equal(await textOf("<div>".repeat(20_000)), "");
  assert.equal(await textOf("<<<>>><!--"), "<<<>>>");
  assert.match(await textOf(`<table>${"<tr><td>x".repeat(5000)}`), /^x\nx\n/);
});

test("web-fetch gives other texts as they are", { skip }, async () => {
  const { guest } = await started(html('{"a":"<b>"}', "application/json"));
  await using _ = guest;
  const found = JSON.parse(await guest.call("fetch", '{"url":"https://a.example/x.json"}'));
  assert.equal(found.text, '{"a":"<b>"}');
});

test("web-fetch finds articles by their titles, whatever is in them", { skip }, async () => {
  const { guest, urls } = await started(html("<p>x"));
  await using _ = guest;
  await guest.call("page", '{"title":"Earth"}');
  await guest.call("page", '{"title":"AC/DC ?#../x","project":"wiktionary","language":"de"}');
  assert.deepEqual(urls, [
    "https://api.wikimedia.org/core/v1/wikipedia/en/page/Earth/html",
    "https://api.wikimedia.org/core/v1/wiktionary/de/page/AC%2FDC%20%3F%23..%2Fx/html",
  ]);
});

test("web-fetch cuts a long text between two characters", { skip }, async () => {
  const { guest } = await started(html(`<p>${"🦉".repeat(2000)}`), { textMax: "1000" });
  await using _ = guest;
  const found = JSON.parse(await guest.call("fetch", '{"url":"https://a.example/"}'));
  assert.deepEqual([found.text, found.truncated], ["🦉".repeat(1000), true]);
});

test("web-fetch fetches without the folder that it asked for", { skip }, async () => {
  const { guest, urls } = await started(html("<p>x"));
  await using _ = guest;
  for (const _ of [1, 2]) await guest.call("fetch", '{"url":"https://a.example/"}');
  assert.equal(urls.length, 2);
});

test("web-fetch says what was refused, and by whom", { skip }, async () => {
  const error = { code: "CAPABILITY_DENIED", message: "Cannot send" };
  const refused = await guestOf("web-fetch", { functions: { network_fetch: () => ({ error }) } });
  await using _ = refused;
  const fetch = (guest: typeof refused) => guest.call("fetch", '{"url":"https://a.example/"}');
  await assert.rejects(fetch(refused), /CAPABILITY_DENIED: Cannot send/);
  const { guest } = await started({ status: 503, body: "" });
  await using __ = guest;
  await assert.rejects(fetch(guest), /a\.example\/ answered 503/);
});
