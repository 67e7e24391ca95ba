import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { EntryView } from "#runtime/grants/view.ts";
import { changedGrants } from "#runtime/edge/cli/granting.ts";
import { runInside, temporaryHome } from "#test/support/cli.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { refusalOf } from "#test/support/refusal.ts";

const home = "/nowhere-at-all";
const now = Date.UTC(2027, 0, 1);
const place = { scheme: "https", host: "*.example.com", port: 443, path: "/" } as const;
const network = { ...place, methods: ["GET", "POST"] as ("GET" | "POST")[], via: "any" as const };

function entry(name: string, own: Partial<EntryView>): EntryView {
  return {
    entry: name,
    capability: name.split(/[.[]/, 1)[0] ?? "",
    words: "",
    untrustedReason: "",
    offer: { grants: 1 },
    secret: null,
    grants: [],
    held: { grants: 1 },
    ...own,
  };
}
const spent = { words: "", terms: [], state: "spent", via: "any", per: "plugin", expires: null };
const entries: EntryView[] = [
  entry("network[0]", { offer: { grants: 1, network: [network] } }),
  entry("kv", {
    offer: { grants: 1, kv: { quota: "1MiB" } },
    held: { grants: 1, kv: { quota: "1KiB" } },
    grants: [{ ...spent, uses: 3, used: 3 } as EntryView["grants"][number]],
  }),
  entry("secrets.TOKEN", { secret: { name: "TOKEN", mode: "inject" } }),
  entry("files.cache", {
    offer: {
      grants: 1,
      files: [{ name: "cache", folder: null, access: "write", quota: "1MiB" }],
    },
  }),
];
const change = (options: Parameters<typeof changedGrants>[1]) =>
  changedGrants({ entries }, options, now);

test("changedGrants() keeps what no option names", () => {
  const { kv, network: rules } = change({ allow: ["network[0]"] });
  assert.deepEqual(kv, { quota: "1KiB" });
  assert.deepEqual(rules, [network]);
});

test("changedGrants() narrows what it allows by every option", () => {
  const options = { host: "a.example.com", methods: "get", path: "/v1/", expires: "30d" };
  const { network: rules } = change({ allow: ["network"], ...options, via: "acme/b", uses: 5 });
  assert.deepEqual(rules, [
    {
      ...network,
      ...{ host: "a.example.com", methods: ["GET"], path: "/v1/", via: ["acme/b"], uses: 5 },
      expires: "2027-01-31T00:00:00.000Z",
    },
  ]);
  const { files } = change({ allow: ["files.cache"], quota: "1KiB", folder: ["cache=/x"] });
  assert.deepEqual(files?.[0], { name: "cache", folder: "/x", access: "write", quota: "1KiB" });
});

test("changedGrants() gives so many uses more than were used", () => {
  assert.equal(change({ allow: ["kv"], uses: 2 }).kv?.uses, 5);
});

test("changedGrants() lets a secret stand for one that is asked only when it is named", () => {
  assert.equal(refusalOf(() => change({ allow: ["secrets.TOKEN"] })).code, "USAGE_INVALID");
  const { secrets } = change({ allow: ["secrets.TOKEN"], secret: ["TOKEN=mine"] });
  assert.deepEqual(secrets, [{ name: "TOKEN", secret: "mine", mode: "inject" }]);
});

test("changedGrants() takes away what is revoked, by its place or all of a kind", () => {
  assert.equal(change({ revoke: ["kv"] }).kv, undefined);
  for (const revoke of ["nothing", "network[7]", "__proto__"])
    assert.equal(refusalOf(() => change({ revoke: [revoke] })).code, "USAGE_INVALID");
});

test("changedGrants() refuses to narrow what is not allowed at the same time", () => {
  assert.equal(refusalOf(() => change({ uses: 2 })).code, "USAGE_INVALID");
  assert.equal(refusalOf(() => change({ revoke: ["kv"], host: "x" })).code, "USAGE_INVALID");
});

test("plugin grants shows what is asked and the command that would allow it", async () => {
  const { host, acts } = createFakeHost();
  const { code, out } = await runInside(["plugin", "grants", "vowels"], { home, host });
  assert.equal(code, 0);
  assert.match(out, /^vowels {2}nobody has granted it anything$/m);
  assert.match(out, /^ {2}kv {2}asks to keep values of its own, up to 1 MiB$/m);
  assert.match(out, /to allow it: convergio plugin grants vowels --allow kv$/m);
  assert.deepEqual(
    acts.filter((act) => act.startsWith("grant")),
    [],
  );
});

test("plugin grants --allow and --revoke put what they make of the grants of now", async () => {
  const { host, acts } = createFakeHost();
  const words = ["plugin", "grants", "vowels", "--allow", "kv", "--quota", "1KiB", "--yes"];
  const { code, out, err } = await runInside(words, { home, host });
  assert.equal(code, 0, err);
  assert.match(out, /^ {4}may keep values/m);
  await runInside(["plugin", "grants", "vowels", "--revoke", "kv"], { home, host });
  const made = acts.filter((act) => act.startsWith("grant"));
  assert.match(made[0] ?? "", /"quota":"1KiB".*by owner knowing acme\/caller$/);
  assert.doesNotMatch(made[1] ?? "", /quota|knowing/);
});

test("plugin grants --set takes what plugin grants --json prints, from a file or a pipe", async () => {
  await using folder = await temporaryHome();
  const { host, acts } = createFakeHost();
  const shown = await runInside(["plugin", "grants", "vowels", "--json"], { home, host });
  const file = join(dirname(folder.home), "grants.json");
  await writeFile(file, shown.out);
  for (const [set, input] of [
    [file, ""],
    ["-", shown.out],
  ] as const) {
    const words = ["plugin", "grants", "vowels", "--set", set];
    const { code, err } = await runInside(words, { home, host, input });
    assert.equal(code, 0, err);
  }
  assert.equal(acts.filter((act) => act.startsWith("grant")).length, 2);
  const words = ["plugin", "grants", "vowels", "--set", "-"];
  assert.equal((await runInside(words, { home, host, input: "[]" })).code, 2);
});

test("plugin can and who-can say what is done by way of whom", async () => {
  const { host } = createFakeHost();
  const can = await runInside(["plugin", "can", "vowels"], { home, host });
  assert.equal(
    can.out,
    "vowels 1.0.0 can\n  keep values (3 of 5 uses left)\n  through acme/b: GET https://a.example/…\n",
  );
  const who = await runInside(["who-can", "network", "a.example"], { home, host });
  assert.equal(who.out, "acme/a  through acme/b: GET a (until x)\n");
  assert.equal((await runInside(["who-can", "shell"], { home, host })).code, 1);
});

test("explain of a call that nobody recorded exits 1 and says where to look", async () => {
  const { host } = createFakeHost();
  const { code, err } = await runInside(["explain", "call-9"], { home, host });
  assert.equal(code, 1);
  assert.match(err, /CALL_UNRECORDED.*\nhint: .*convergio audit --kind call/);
});
