import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAudience, reaches } from "#manifests/audience.ts";
import { refusalOf } from "#test/support/refusal.ts";

const exact = (text: string) => parseAudience([text], { wildcard: false });
const wild = (text: string) => parseAudience([text], { wildcard: true });

/** What an operator writes → the origin that is meant. */
const taken: readonly (readonly [written: string, meant: string])[] = [
  ["https://api.github.com", "https://api.github.com"],
  ["https://api.github.com/", "https://api.github.com"],
  ["https://API.GitHub.com:443", "https://api.github.com"],
  ["https://api.github.com:8443", "https://api.github.com:8443"],
  ["https://bücher.example", "https://xn--bcher-kva.example"],
  ["https://10.0.0.1", "https://10.0.0.1"],
  ["https://0x7f.1", "https://127.0.0.1"],
  ["https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["http://localhost", "http://localhost"],
  ["http://[::1]:80", "http://[::1]"],
  ["https://user.github.io", "https://user.github.io"],
];

for (const [written, meant] of taken)
  test(`parseAudience() takes ${written}`, () => assert.deepEqual(exact(written), [meant]));

const refused: readonly string[] = [
  ...["", "api.github.com", "api.github.com:443", "//api.github.com", "https://", "https:///x"],
  ...["http://api.github.com", "http://10.0.0.1", "http://localhost.evil.example"],
  ...["http://127.0.0.1.evil.example", "http://[::ffff:127.0.0.1]", "http://0.0.0.0"],
  ...[
    "ftp://api.github.com",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:,x",
    "ws://x.example",
  ],
  ...["https://api.github.com/repos", "https://api.github.com/?a", "https://api.github.com/#a"],
  ...["https://user@api.github.com", "https://user:pass@api.github.com", "https://@api.github.com"],
  ...["https://api.github.com.", "https://api.github.com.:443", "https://api github.com"],
  ...["https://api.github.com\\@evil.example", "https://*", "https://*.com", "https://a.*.example"],
  ...["https://api.*", "https://*api.example", "https://**.example", "https://*.example.com"],
  `https://${"a".repeat(300)}.example`,
];

for (const written of refused)
  test(`parseAudience() refuses ${JSON.stringify(written).slice(0, 60)}`, () => {
    assert.equal(refusalOf(() => exact(written)).code, "SECRET_INVALID");
  });

test("parseAudience() keeps each origin once, in one order, and at most 32", () => {
  const texts = ["https://b.example", "https://A.example", "https://a.example:443"];
  assert.deepEqual(parseAudience(texts, { wildcard: false }), [
    "https://a.example",
    "https://b.example",
  ]);
  assert.deepEqual(parseAudience([], { wildcard: false }), []);
  const many = Array.from({ length: 33 }, (_, at) => `https://h${at}.example`);
  assert.equal(refusalOf(() => parseAudience(many, { wildcard: true })).code, "SECRET_INVALID");
});

/** Wildcards that would hand a secret to people who have nothing to do with each other. */
const shared: readonly string[] = [
  ...["com", "example", "io", "co.uk", "org.uk", "com.au", "com.br", "co.jp", "gov.uk", "ac.nz"],
  ...[
    "github.io",
    "githubusercontent.com",
    "pages.dev",
    "workers.dev",
    "vercel.app",
    "netlify.app",
  ],
  ...["herokuapp.com", "amazonaws.com", "s3.amazonaws.com", "eu-west-1.elb.amazonaws.com"],
  ...["cloudfront.net", "blob.core.windows.net", "windows.net", "azurewebsites.net", "run.app"],
  ...["web.app", "appspot.com", "googleapis.com", "ngrok.io", "trycloudflare.com", "nip.io"],
  ...[
    "user.github.io",
    "myshopify.com",
    "hf.space",
    "github.dev",
    "10.0.0.1",
    "[::1]",
    "localhost",
  ],
];

for (const domain of shared)
  test(`parseAudience() refuses a wildcard for ${domain}`, () => {
    assert.equal(refusalOf(() => wild(`https://*.${domain}`)).code, "SECRET_INVALID");
  });

for (const domain of [
  "github.com",
  "example.com",
  "internal.example.co.uk",
  "wikimedia.org",
  "corp.lan",
])
  test(`parseAudience() takes a wildcard for ${domain} where it was asked for`, () => {
    assert.deepEqual(wild(`https://*.${domain}`), [`https://*.${domain}`]);
    assert.equal(refusalOf(() => exact(`https://*.${domain}`)).code, "SECRET_INVALID");
  });

/** An audience, URLs that it reaches, and such that it does not. */
const reach: readonly (readonly [audience: string, yes: string[], no: string[]])[] = [
  [
    "https://api.example.com",
    ["https://api.example.com/a?b", "https://API.EXAMPLE.COM:443/", "https://user@api.example.com"],
    [
      ...["http://api.example.com/", "https://api.example.com:8443/", "https://api.example.com./"],
      ...[
        "https://x.api.example.com/",
        "https://example.com/",
        "https://api.example.com.evil.example/",
      ],
      ...["https://evil.example/api.example.com", "https://api.example.com@evil.example/"],
      ...["https://api-example.com/", "wss://api.example.com/", "https://аpi.example.com/"],
    ],
  ],
  [
    "https://*.example.com",
    ["https://a.example.com/", "https://a.b.example.com/", "https://A.Example.Com:443/x"],
    [
      ...["https://example.com/", "https://badexample.com/", "https://a.example.com:444/"],
      ...["http://a.example.com/", "https://a.example.com.evil.example/", "https://.example.com/"],
      ...["https://a.example.com./", "https://a.example.org/"],
    ],
  ],
  [
    "https://*.example.com:8443",
    ["https://a.example.com:8443/"],
    ["https://a.example.com/", "https://a.example.com:443/"],
  ],
  [
    "http://127.0.0.1:8080",
    ["http://127.0.0.1:8080/", "http://127.1:8080/", "http://2130706433:8080/"],
    [
      "http://127.0.0.1/",
      "http://127.0.0.2:8080/",
      "http://localhost:8080/",
      "https://127.0.0.1:8080/",
    ],
  ],
];

for (const [audience, yes, no] of reach)
  test(`reaches() holds a secret to ${audience}`, () => {
    const held = wild(audience);
    for (const url of yes) assert.equal(reaches(held, new URL(url)), true, url);
    for (const url of no.filter((each) => URL.canParse(each)))
      assert.equal(reaches(held, new URL(url)), false, url);
    assert.equal(reaches([], new URL(yes[0] as string)), false);
  });
