import assert from "node:assert/strict";
import { test } from "node:test";
import { type NetworkGrant, networkGrant } from "#manifests/capabilities/network.ts";
import { nothingGranted } from "#manifests/grants.ts";
import { NetworkRules } from "#runtime/capabilities/network/rules.ts";
import { parseTarget } from "#runtime/capabilities/network/target.ts";
import { refusalOf } from "#test/support/refusal.ts";
import { type UrlCase, urlCases, type Verdict } from "./url-cases.ts";

const rules = new NetworkRules();

function grantOf(text: string): NetworkGrant {
  const [, methods = "", scheme, host = "", port, path = ""] =
    /^(\S+) (https?):\/\/(.+):([0-9]+)(\/.*)$/.exec(text) ?? [];
  return networkGrant({
    scheme: scheme as "https",
    host,
    port: Number(port),
    methods: methods.split(",") as "GET"[],
    path,
  });
}

function verdictOf(grant: string, text: string): Verdict {
  const [, method = "GET", url = ""] = /^(?:(.+)[ \u2028](?=https?:))?([\s\S]*)$/.exec(text) ?? [];
  try {
    const target = parseTarget(method, url);
    const found = rules.find({ ...nothingGranted, network: [grantOf(grant)] }, target);
    return found === undefined ? "not covered" : "covered";
  } catch (error) {
    const { code } = refusalOf(() => {
      throw error;
    });
    assert.equal(code, "HOST_REQUEST_INVALID");
    return "refused";
  }
}

test("every URL comes to what the table says", () => {
  const wrong = urlCases.flatMap(([grant, url, verdict]: UrlCase) => {
    const found = verdictOf(grant, url);
    return found === verdict ? [] : [`${grant} | ${JSON.stringify(url)}: ${found}, not ${verdict}`];
  });
  assert.deepEqual(wrong, []);
  assert.ok(urlCases.length > 300, `${urlCases.length} rows`);
});
