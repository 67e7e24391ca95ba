import assert from "node:assert/strict";
import { test } from "node:test";
import { guestOf, manifestOf, missing } from "./yardstick.ts";

const skip = await missing("github-issues");

/** A request as the plugin writes it. */
interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const issue = (number: number, more: object = {}) => ({
  number,
  title: `Issue "${number}" \u{1f989}`,
  state: "open",
  user: { login: "ada" },
  labels: [{ name: "bug" }, { name: "ü" }],
  comments: 2,
  created_at: "2026-01-01T00:00:00Z",
  html_url: `https://github.com/a/b/issues/${number}`,
  body: null,
  ...more,
});

/** Starts the plugin before a far side that answers with these, one a request. */
async function started(...answers: readonly object[]) {
  const sent: Sent[] = [];
  const rest = [...answers];
  const guest = await guestOf("github-issues", {
    functions: {
      network_fetch: (request) => {
        const [one] = (request as { requests: Sent[] }).requests;
        assert(one);
        sent.push(one);
        return rest.shift();
      },
    },
  });
  return { guest, sent };
}

const answer = (value: unknown, status = 200) => ({
  ok: { responses: [{ status, url: "", headers: {}, body: JSON.stringify(value) }] },
});

test("github-issues lists issues, and no pull requests among them", { skip }, async () => {
  const { guest, sent } = await started(answer([issue(2), issue(1, { pull_request: {} })]));
  await using _ = guest;
  const input = { repository: "a/b", labels: ["good first issue", "x&y"], limit: 7 };
  const { issues } = JSON.parse(await guest.call("list", JSON.stringify(input)));
  assert.deepEqual(issues, [
    {
      number: 2,
      title: 'Issue "2" \u{1f989}',
      state: "open",
      author: "ada",
      labels: ["bug", "ü"],
      comments: 2,
      createdAt: "2026-01-01T00:00:00Z",
      url: "https://github.com/a/b/issues/2",
    },
  ]);
  assert.equal(
    sent[0]?.url,
    "https://api.github.com/repos/a/b/issues?state=open&per_page=7&labels=good%20first%20issue%2Cx%26y",
  );
  assert.equal(sent[0]?.method, "GET");
});

test("github-issues reads an issue with its answers", { skip }, async () => {
  const comments = [{ user: { login: "bob" }, created_at: "2026-01-02T00:00:00Z", body: "no\n" }];
  const { guest, sent } = await started(answer(issue(5, { body: "why?" })), answer(comments));
  await using _ = guest;
  const found = JSON.parse(await guest.call("read", '{"repository":"a/b","number":5}'));
  assert.equal(found.body, "why?");
  assert.deepEqual(found.answers, [
    { author: "bob", createdAt: "2026-01-02T00:00:00Z", body: "no\n" },
  ]);
  assert.deepEqual(
    sent.map(({ url }) => url.replace("https://api.github.com", "")),
    ["/repos/a/b/issues/5", "/repos/a/b/issues/5/comments?per_page=100"],
  );
});

test("github-issues opens and answers issues with the words that it was given", {
  skip,
}, async () => {
  const { guest, sent } = await started(answer(issue(9), 201), answer(issue(9), 201));
  await using _ = guest;
  const words = { title: 'a "title"', body: "two\nlines \u0007" };
  const opened = await guest.call(
    "open",
    JSON.stringify({ repository: "a/b", ...words, labels: ["x"] }),
  );
  assert.deepEqual(JSON.parse(opened), { number: 9, url: "https://github.com/a/b/issues/9" });
  assert.deepEqual(JSON.parse(sent[0]?.body ?? ""), { ...words, labels: ["x"] });
  await guest.call("comment", JSON.stringify({ repository: "a/b", number: 9, body: "yes" }));
  assert.equal(sent[1]?.url, "https://api.github.com/repos/a/b/issues/9/comments");
  assert.deepEqual(
    sent.map(({ method, body }) => [method, Object.keys(JSON.parse(body ?? ""))]),
    [
      ["POST", ["title", "body", "labels"]],
      ["POST", ["body"]],
    ],
  );
});

test("github-issues never writes a token of its own", { skip }, async () => {
  const { guest, sent } = await started(answer([]));
  await using _ = guest;
  await guest.call("list", '{"repository":"a/b"}');
  assert.deepEqual(Object.keys(sent[0]?.headers ?? {}).sort(), [
    "accept",
    "content-type",
    "user-agent",
    "x-github-api-version",
  ]);
  assert.equal(manifestOf("github-issues").uses.secrets[0].inject.header, "authorization");
});

test("github-issues says what was refused, and by whom, and goes on", { skip }, async () => {
  const denied = { error: { code: "CAPABILITY_DENIED", message: "Cannot send" } };
  const { guest } = await started(
    denied,
    { ok: { responses: [denied] } },
    answer({ message: "Not Found" }, 404),
    { ok: { responses: [{ status: 200, url: "", headers: {}, body: "<html>" }] } },
    { ok: { responses: [] } },
    answer([]),
  );
  await using _ = guest;
  const list = () => guest.call("list", '{"repository":"a/b"}');
  await assert.rejects(list(), /CAPABILITY_DENIED: Cannot send/);
  await assert.rejects(list(), /CAPABILITY_DENIED: Cannot send/);
  await assert.rejects(list(), /GitHub answered 404: Not Found/);
  await assert.rejects(list(), /no JSON/);
  await assert.rejects(list(), /no response/);
  assert.equal(await list(), '{"issues":[]}');
});
