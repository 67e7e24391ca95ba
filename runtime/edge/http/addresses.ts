import { BlockList, isIPv6 } from "node:net";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";

/** Which addresses may ask; an empty list of allowed ones is all. */
export interface AddressLists {
  /** In CIDR. */
  readonly allowedAddresses: readonly string[];
  /** In CIDR; refused whatever the other list says. */
  readonly refusedAddresses: readonly string[];
}

/** Who may ask at all, before anything else about a request is looked at. */
export interface AddressRules {
  /** @param address  where the request comes from, or what a believed proxy says. @throws ADDRESS_REFUSED */
  check(address: string): void;
}

/** Returns the rules that lists of ranges make. @throws SETTINGS_INVALID */
export function addressRules(lists: AddressLists): AddressRules {
  const { allowedAddresses, refusedAddresses } = lists;
  const allowed = toRanges(allowedAddresses, "server.allowedAddresses");
  const refused = toRanges(refusedAddresses, "server.refusedAddresses");
  const isOpen = allowedAddresses.length + refusedAddresses.length === 0;
  return {
    check(address) {
      if (isOpen) return;
      const isAllowed = allowedAddresses.length === 0 || isIn(allowed, address);
      if (!isAllowed || isIn(refused, address)) throw new HostError("ADDRESS_REFUSED", {});
    },
  };
}

/** Returns ranges of addresses, each known to be one. @throws SETTINGS_INVALID */
export function toRanges(networks: readonly string[], key: string): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix = ""] = network.split("/");
    const bits = prefix === "" ? Number.NaN : Number(prefix);
    try {
      list.addSubnet(address, bits, isIPv6(address) ? "ipv6" : "ipv4");
    } catch (cause) {
      const problem = `must be a range of addresses such as 10.0.0.0/8, found ${quote(network)}`;
      throw new HostError("SETTINGS_INVALID", { key, origin: "the settings", problem }, { cause });
    }
  }
  return list;
}

/** Whether an address is in one of the ranges; IPv4 in the clothes of IPv6 is IPv4. */
function isIn(ranges: BlockList, address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  return ranges.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
}
