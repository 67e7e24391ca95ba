import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NetworkGrant, networkGrant } from "#manifests/capabilities/network.ts";
import { nothingGranted } from "#manifests/grants.ts";
import { pathUnder } from "#runtime/capabilities/network/paths.ts";
import { NetworkRules } from "#runtime/capabilities/network/rules.ts";
import { parseTarget } from "#runtime/capabilities/network/target.ts";

const rules = new NetworkRules();

function grant(own: Partial<Parameters<typeof networkGrant>[0]>): NetworkGrant {
  const base = { scheme: "https", port: 443, host: "*", methods: ["GET"], path: "/" } as const;
  return networkGrant({ ...base, methods: ["GET"], ...own });
}

function find(network: readonly NetworkGrant[], url: string, address?: string) {
  const target = parseTarget("GET", url);
  return rules.find({ ...nothingGranted, network }, address ? { ...target, address } : target);
}

/** A host that is granted, ranges that are, the host of a URL, its address, and whether it may be reached. */
const reaching: readonly (readonly [string, readonly string[], string, string, boolean])[] = [
  ["*", [], "a.test", "8.8.8.8", true],
  ["*", [], "a.test", "2606:4700::1", true],
  ...["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1"].map(
    (address) => ["*", [], "a.test", address, false] as const,
  ),
  ...["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "::1", "fe80::1", "fc00::1"].map(
    (address) => ["*", [], "a.test", address, false] as const,
  ),
  ...["::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "::8.8.8.8", "0.0.0.0", "::"].map(
    (address) => ["*", [], "a.test", address, false] as const,
  ),
  // A literal that the grant does not name is not named by a star.
  ["*", [], "10.0.0.1", "10.0.0.1", false],
  ["*", [], "[::1]", "::1", false],
  // Named as the host itself.
  ["10.0.0.1", [], "10.0.0.1", "10.0.0.1", true],
  ["[::1]", [], "[::1]", "::1", true],
  ["169.254.169.254", [], "169.254.169.254", "169.254.169.254", true],
  ["localhost", [], "localhost", "127.0.0.1", true],
  ["localhost", [], "localhost", "::1", true],
  ["localhost", [], "localhost", "10.0.0.1", false],
  ["*.localhost", [], "a.localhost", "127.0.0.1", false],
  // A name is not its address.
  ["db.test", [], "db.test", "10.0.0.1", false],
  ["db.test", [], "db.test", "127.0.0.1", false],
  // Named by a range.
  ["db.test", ["10.0.0.0/8"], "db.test", "10.0.0.1", true],
  ["db.test", ["10.0.0.0/8"], "db.test", "11.0.0.1", true],
  ["db.test", ["10.0.0.0/8"], "db.test", "192.168.0.1", false],
  ["db.test", ["10.0.0.0/8"], "db.test", "fd00::1", false],
  ["*", ["10.0.0.0/8"], "a.test", "10.1.1.1", true],
  ["*", ["fd00::/8"], "a.test", "fd00::1", true],
  ["db.test", ["127.0.0.0/8"], "db.test", "127.0.0.1", true],
  // Metadata only by their own address.
  ["*", ["169.254.0.0/16"], "a.test", "169.254.1.1", true],
  ["*", ["169.254.0.0/16"], "a.test", "169.254.169.254", false],
  ["*", ["169.254.169.254/32"], "a.test", "169.254.169.254", true],
  ["*", ["fd00::/8"], "a.test", "fd00:ec2::254", false],
  ["*", ["fd00:ec2::254/128"], "a.test", "fd00:ec2::254", true],
  ["*", ["0.0.0.0/0"], "a.test", "169.254.169.254", false],
  // What is in another form must be named in both.
  ["*", ["::ffff:0:0/96"], "a.test", "::ffff:8.8.8.8", true],
  ["*", ["::ffff:0:0/96"], "a.test", "::ffff:127.0.0.1", false],
  ["*", ["127.0.0.0/8"], "a.test", "::ffff:127.0.0.1", false],
  ["*", ["::ffff:0:0/96", "127.0.0.0/8"], "a.test", "::ffff:127.0.0.1", true],
  ["*", ["64:ff9b::/96"], "a.test", "64:ff9b::8.8.8.8", true],
  ["*", ["64:ff9b::/96"], "a.test", "64:ff9b::169.254.169.254", false],
  ["[::ffff:7f00:1]", [], "[::ffff:127.0.0.1]", "::ffff:7f00:1", false],
  ["[::ffff:7f00:1]", ["127.0.0.1/32"], "[::ffff:127.0.0.1]", "::ffff:7f00:1", true],
  // Never.
  ["*", ["0.0.0.0/0", "::/0"], "a.test", "0.0.0.0", false],
  ["*", ["0.0.0.0/0", "::/0"], "a.test", "::", false],
  ["*", ["0.0.0.0/0", "::/0"], "a.test", "224.0.0.1", false],
  ["*", ["0.0.0.0/0", "::/0"], "a.test", "ff02::1", false],
  ["0.0.0.0", [], "0.0.0.0", "0.0.0.0", false],
  ["*", [], "a.test", "no address", false],
  ["*", [], "a.test", "fe80::1%eth0", false],
];

test("an address is reached when it is public or named, and in no other way", () => {
  const wrong = reaching.flatMap(([host, addresses, asked, address, may]) => {
    const granted = grant({ host, addresses: [...addresses] });
    const found = find([granted], `https://${asked}/`, address) !== undefined;
    return found === may
      ? []
      : [`${host} ${addresses.join(" ")} | ${asked} at ${address}: ${found}`];
  });
  assert.deepEqual(wrong, []);
});

test("find() prefers an exact host to a pattern, and a long pattern to a short one", () => {
  const network = [
    grant({ host: "*" }),
    grant({ host: "*.example.com" }),
    grant({ host: "*.b.example.com" }),
    grant({ host: "a.b.example.com" }),
  ];
  const order = ["a.b.example.com", "x.b.example.com", "x.example.com", "x.test"];
  assert.deepEqual(
    order.map((host) => network.indexOf(find(network, `https://${host}/`) as NetworkGrant)),
    [3, 2, 1, 0],
  );
});

test("find() goes on to another grant where the first does not cover all", () => {
  const network = [
    grant({ host: "a.test", path: "/x" }),
    grant({ host: "*", addresses: ["10.0.0.0/8"] }),
  ];
  assert.equal(find(network, "https://a.test/y"), network[1]);
  assert.equal(find(network, "https://a.test/x", "10.0.0.1"), network[1]);
  assert.equal(find(network, "https://a.test/x", "8.8.8.8"), network[0]);
});

/** What the most credulous of servers makes of a path: decoded until nothing changes, parameters gone, climbed. */
function credulous(path: string): string {
  let text = path;
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  const stack: string[] = [];
  for (const part of text.replaceAll("\\", "/").split("/")) {
    const name = part.replace(/;.*$/, "");
    if (name === "..") stack.pop();
    else if (name !== "." && name !== "") stack.push(name);
  }
  return `/${stack.join("/")}`;
}

test("whatever a path is written like, one that is under a prefix is so for every reader", () => {
  const piece = fc.constantFrom(
    ..."v1 v10 a .. . ..; .;x %2e %2E%2e %2f %5c %252e %252f %25 / // ; %00 ~ %7e admin".split(" "),
  );
  const isUnder = pathUnder("/v1");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const url = `https://a.test/v1/${pieces.join("")}`;
      const { path } = parseTarget("GET", url);
      if (!isUnder(path)) return;
      const read = credulous(path);
      assert.ok(read === "/v1" || read.startsWith("/v1/"), `${path} is ${read}`);
    }),
    { numRuns: 5_000 },
  );
});

test("no way to write an address but the usual one names it", () => {
  const forms = [
    (part: number) => String(part),
    (part: number) => `0${part.toString(8)}`,
    (part: number) => `0x${part.toString(16)}`,
    (part: number) => `00${part}`,
  ];
  const form = fc.constantFrom(...forms.keys());
  const part = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(
      fc.tuple(part, part, part, part),
      fc.tuple(form, form, form, form),
      (parts, chosen) => {
        const written = parts.map((each, index) => forms[chosen[index] ?? 0]?.(each)).join(".");
        const usual = parts.join(".");
        if (written === usual) assert.equal(parseTarget("GET", `https://${written}/`).host, usual);
        else assert.throws(() => parseTarget("GET", `https://${written}/`));
      },
    ),
  );
});
