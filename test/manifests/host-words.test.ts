/** The attacker is an author who wants a host to be read as another one, or not to be noticed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostWarnings, hostWords } from "#manifests/capabilities/host-words.ts";

for (const host of [
  "api.example.com",
  "*.example.com",
  "8.8.8.8",
  "[2606:4700::1111]",
  "172.32.0.1",
])
  test(`hostWarnings() says nothing of ${host}`, () => assert.deepEqual(hostWarnings(host), []));

for (const host of [
  "localhost",
  "a.localhost",
  "printer",
  "*.internal",
  "nas.local",
  "0.0.0.0",
  "10.1.2.3",
  "127.0.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.1",
  "192.168.1.1",
  "100.64.0.1",
  "100.127.0.1",
  "[::1]",
  "[fd00::1]",
  "[fe80::1]",
  "[::ffff:127.0.0.1]",
])
  test(`hostWarnings() says that ${host} is in a network of one's own`, () =>
    assert.match(hostWarnings(host).join(), /in a network of your own/));

test("hostWarnings() says what any host means", () => {
  assert.match(hostWarnings("*").join(), /^any host: it can reach everybody/);
  assert.equal(hostWords("*"), "(any host)");
});

test("hostWarnings() reads foreign letters aloud, and says when scripts are mixed", () => {
  assert.match(hostWarnings("xn--pple-43d.com").join(), /reads as "аpple\.com", in letters of sev/);
  assert.match(hostWarnings("*.xn--pple-43d.com").join(), /several scripts/);
  assert.match(hostWarnings("xn--mnchen-3ya.de").join(), /reads as "münchen\.de"; check/);
  assert.match(hostWarnings("a.xn--80ak6aa92e.com").join(), /^a\.xn--80ak6aa92e\.com reads as/);
});
