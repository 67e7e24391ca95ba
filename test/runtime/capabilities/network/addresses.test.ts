import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AddressKind,
  embeddedIn,
  isIn,
  kindOf,
  parseAddress,
  parseRange,
} from "#runtime/capabilities/network/addresses.ts";

/** Addresses at the borders of every range that is not simply public, and just beyond. */
const kinds: readonly (readonly [address: string, kind: AddressKind | null])[] = [
  ["0.0.0.0", "unspecified"],
  ["0.255.255.255", "unspecified"],
  ["1.0.0.0", null],
  ["9.255.255.255", null],
  ["10.0.0.0", "private"],
  ["10.255.255.255", "private"],
  ["11.0.0.0", null],
  ["100.63.255.255", null],
  ["100.64.0.0", "shared"],
  ["100.100.100.200", "metadata"],
  ["100.127.255.255", "shared"],
  ["100.128.0.0", null],
  ["126.255.255.255", null],
  ["127.0.0.0", "loopback"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.255", "loopback"],
  ["128.0.0.0", null],
  ["168.63.129.16", "metadata"],
  ["168.63.129.17", null],
  ["169.253.255.255", null],
  ["169.254.0.0", "link-local"],
  ["169.254.169.253", "link-local"],
  ["169.254.169.254", "metadata"],
  ["169.254.170.2", "metadata"],
  ["169.254.170.23", "metadata"],
  ["169.254.255.255", "link-local"],
  ["169.255.0.0", null],
  ["172.15.255.255", null],
  ["172.16.0.0", "private"],
  ["172.31.255.255", "private"],
  ["172.32.0.0", null],
  ["192.0.0.0", "reserved"],
  ["192.0.0.192", "metadata"],
  ["192.0.1.0", null],
  ["192.0.2.1", "reserved"],
  ["192.31.196.1", "reserved"],
  ["192.52.193.1", "reserved"],
  ["192.88.99.1", "reserved"],
  ["192.167.255.255", null],
  ["192.168.0.0", "private"],
  ["192.168.255.255", "private"],
  ["192.169.0.0", null],
  ["192.175.48.1", "reserved"],
  ["198.17.255.255", null],
  ["198.18.0.0", "reserved"],
  ["198.19.255.255", "reserved"],
  ["198.20.0.0", null],
  ["198.51.100.7", "reserved"],
  ["203.0.113.7", "reserved"],
  ["203.0.114.0", null],
  ["223.255.255.255", null],
  ["224.0.0.0", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.0", "reserved"],
  ["255.255.255.255", "reserved"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::2", "translated"],
  ["::127.0.0.1", "translated"],
  ["::8.8.8.8", "translated"],
  ["::ffff:127.0.0.1", "translated"],
  ["::ffff:7f00:1", "translated"],
  ["::ffff:8.8.8.8", "translated"],
  ["::ffff:0:127.0.0.1", "translated"],
  ["64:ff9b::7f00:1", "translated"],
  ["64:ff9b::8.8.8.8", "translated"],
  ["64:ff9b:1::1", "reserved"],
  ["100::1", "reserved"],
  ["1fff:ffff::1", "reserved"],
  ["2000::1", null],
  ["2001::1", "translated"],
  ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "translated"],
  ["2001:2::1", "reserved"],
  ["2001:10::1", "reserved"],
  ["2001:20::1", "reserved"],
  ["2001:1ff::1", "reserved"],
  ["2001:200::1", null],
  ["2001:db8::1", "reserved"],
  ["2002:7f00:1::", "translated"],
  ["2002:808:808::1", "translated"],
  ["2003::1", null],
  ["2606:4700::1111", null],
  ["2606:4700::5efe:7f00:1", "translated"],
  ["2606:4700::200:5efe:7f00:1", "translated"],
  ["3fff:fff::1", "reserved"],
  ["3ffe::1", null],
  ["4000::1", "reserved"],
  ["5f00::1", "reserved"],
  ["fbff::1", "reserved"],
  ["fc00::1", "private"],
  ["fd00:ec2::254", "metadata"],
  ["fd00:ec2::23", "metadata"],
  ["fd20:ce::254", "metadata"],
  ["fdff:ffff::1", "private"],
  ["fe80::1", "link-local"],
  ["febf::1", "link-local"],
  ["fec0::1", "private"],
  ["ff02::1", "multicast"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"],
];

test("kindOf() knows every special address, and where its range ends", () => {
  const wrong = kinds.flatMap(([text, kind]) => {
    const address = parseAddress(text);
    assert.ok(address, text);
    return kindOf(address) === kind ? [] : [`${text}: ${kindOf(address)}, not ${kind}`];
  });
  assert.deepEqual(wrong, []);
});

test("embeddedIn() finds the address of version 4 in every form that carries one", () => {
  const loopback = parseAddress("127.0.0.1");
  for (const text of [
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "2002:7f00:1::1",
    "2001:0:1:2:3:4:80ff:fffe",
    "fe80::5efe:127.0.0.1",
    "2606:4700::200:5efe:127.0.0.1",
  ])
    assert.deepEqual(embeddedIn(parseAddress(text) as never), loopback, text);
  for (const text of ["8.8.8.8", "2606:4700::1", "fe80::1"])
    assert.equal(embeddedIn(parseAddress(text) as never), undefined, text);
});

test("parseAddress() takes addresses in their usual form and nothing else", () => {
  for (const text of [
    ...["", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ", "0x1.2.3.4", "a.b.c.d"],
    ...[
      ":",
      ":::",
      "1::2::3",
      "g::1",
      "::1%eth0",
      "[::1]",
      "1:2:3:4:5:6:7",
      "::1/64",
      "1:2:3:4:5:6:7:8:9",
    ],
    ...["::1.2.3", "::1.2.3.4.5", "::ffff:1.2.3.256"],
  ])
    assert.equal(parseAddress(text), undefined, text);
});

test("every way to write an address of version 6 comes to the same number", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = parseAddress(text);
      assert.ok(address);
      const groups = Array.from({ length: 8 }, (_, index) =>
        ((address.value >> BigInt(112 - index * 16)) & 0xffffn).toString(16),
      );
      const long = parseAddress(groups.join(":"));
      assert.equal(long?.value, address.value);
    }),
  );
});

test("isIn() agrees with the numbers of a range, whatever its length", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (start, text, bits) => {
      const range = parseRange(`${start}/${bits}`);
      const address = parseAddress(text);
      assert.ok(range && address);
      const size = 2n ** BigInt(32 - bits);
      assert.equal(isIn(range, address), range.value / size === address.value / size);
    }),
  );
  for (const text of [
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0/8",
    "::/129",
    "::1/-1",
    "a/8",
    "1.2.3.4/8/8",
  ])
    assert.equal(parseRange(text), undefined, text);
});
