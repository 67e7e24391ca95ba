/** An address of the internet protocol as a number. */
export interface Address {
  readonly version: 4 | 6;
  readonly value: bigint;
}

/** A range of addresses: those whose first `bits` are those of `value`. */
export interface Range extends Address {
  readonly bits: number;
}

/** Why an address is not simply one of the public internet. */
export type AddressKind =
  | "unspecified"
  | "loopback"
  | "private"
  | "shared"
  | "link-local"
  | "metadata"
  | "multicast"
  | "reserved"
  | "translated";

/**
 * What the registries of special addresses say; the first range that fits holds.
 *
 * Metadata first: they lie in ranges that are given away more easily.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const special: Readonly<Record<string, AddressKind>> = {
  // Services of clouds that hand credentials to whoever asks from within.
  "169.254.169.254/32": "metadata",
  "169.254.170.2/32": "metadata",
  "169.254.170.23/32": "metadata",
  "100.100.100.200/32": "metadata",
  "168.63.129.16/32": "metadata",
  "192.0.0.192/32": "metadata",
  "fd00:ec2::254/128": "metadata",
  "fd00:ec2::23/128": "metadata",
  "fd20:ce::254/128": "metadata",
  "0.0.0.0/8": "unspecified",
  "10.0.0.0/8": "private",
  "100.64.0.0/10": "shared",
  "127.0.0.0/8": "loopback",
  "169.254.0.0/16": "link-local",
  "172.16.0.0/12": "private",
  "192.0.0.0/24": "reserved",
  "192.0.2.0/24": "reserved",
  "192.31.196.0/24": "reserved",
  "192.52.193.0/24": "reserved",
  "192.88.99.0/24": "reserved",
  "192.168.0.0/16": "private",
  "192.175.48.0/24": "reserved",
  "198.18.0.0/15": "reserved",
  "198.51.100.0/24": "reserved",
  "203.0.113.0/24": "reserved",
  "224.0.0.0/4": "multicast",
  "240.0.0.0/4": "reserved",
  "::/128": "unspecified",
  "::1/128": "loopback",
  "::ffff:0:0/96": "translated",
  "::/96": "translated",
  "::ffff:0:0:0/96": "translated",
  "64:ff9b::/96": "translated",
  "64:ff9b:1::/48": "reserved",
  "2001::/32": "translated",
  "2001::/23": "reserved",
  "2001:db8::/32": "reserved",
  "2002::/16": "translated",
  "3fff::/20": "reserved",
  "fc00::/7": "private",
  "fe80::/10": "link-local",
  "fec0::/10": "private",
  "ff00::/8": "multicast",
};

const bitsOf = { 4: 32, 6: 128 } as const;
const table = Object.entries(special).map(
  ([range, kind]) => [parseRange(range) as Range, kind] as const,
);
const publicV6 = parseRange("2000::/3") as Range;

/** Returns the address that a text is, in its usual form; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(text)) return parseV4(text);
  if (!text.includes(":") || !/^[0-9a-fA-F:.]{2,45}$/.test(text)) return undefined;
  // The parser of URLs knows every form, and writes each address in one.
  if (!URL.canParse(`http://[${text}]/`)) return undefined;
  return parseV6(new URL(`http://[${text}]/`).hostname.slice(1, -1));
}

function parseV4(text: string): Address | undefined {
  const parts = text.split(".");
  const isPlain = parts.every((part) => Number(part) <= 255 && String(Number(part)) === part);
  if (!isPlain) return undefined;
  return { version: 4, value: parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
}

/** @param text  as URLs write it: no part in decimal, at most one `::` */
function parseV6(text: string): Address {
  const [head = "", tail] = text.split("::");
  const [first, last] = [head, tail ?? ""].map((part) => (part === "" ? [] : part.split(":")));
  const gap = tail === undefined ? 0 : 8 - (first?.length ?? 0) - (last?.length ?? 0);
  const groups = [...(first ?? []), ...Array<string>(gap).fill("0"), ...(last ?? [])];
  return {
    version: 6,
    value: groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n),
  };
}

/** Returns the range that a text such as `10.0.0.0/8` is; undefined for anything else. */
export function parseRange(text: string): Range | undefined {
  const [start = "", length = "", ...rest] = text.split("/");
  const address = parseAddress(start);
  if (address === undefined || rest.length > 0 || !/^[0-9]{1,3}$/.test(length)) return undefined;
  const bits = Number(length);
  return bits > bitsOf[address.version] ? undefined : { ...address, bits };
}

/** Returns whether a range holds an address. */
export function isIn(range: Range, { version, value }: Address): boolean {
  const rest = BigInt(bitsOf[version] - range.bits);
  return range.version === version && range.value >> rest === value >> rest;
}

/** Returns why an address is not simply public; null when it is. */
export function kindOf(address: Address): AddressKind | null {
  const found = table.find(([range]) => isIn(range, address));
  if (found !== undefined) return found[1];
  if (address.version === 4) return null;
  if (!isIn(publicV6, address)) return "reserved";
  return embeddedIn(address) === undefined ? null : "translated";
}

/** Forms of version 6 with one of version 4 in them, and how far it lies from the end, in bits. */
const embeddings = (
  [
    ["::/96", 0],
    ["::ffff:0:0/96", 0],
    ["::ffff:0:0:0/96", 0],
    ["64:ff9b::/96", 0],
    ["2002::/16", 80],
  ] as const
).map(([range, shift]) => [parseRange(range) as Range, BigInt(shift)] as const);
const teredo = parseRange("2001::/32") as Range;
const v4Mask = 0xffff_ffffn;

/** Returns the address of version 4 that one of version 6 stands for, if it does. */
export function embeddedIn(address: Address): Address | undefined {
  // `::` and `::1` look as if they carried one, and have a meaning of their own.
  if (address.version === 4 || address.value <= 1n) return undefined;
  const found = embeddings.find(([range]) => isIn(range, address));
  if (found) return { version: 4, value: (address.value >> found[1]) & v4Mask };
  // Teredo writes the client's address with every bit turned.
  if (isIn(teredo, address)) return { version: 4, value: ~address.value & v4Mask };
  // ISATAP: the last half begins with 0000:5efe or 0200:5efe.
  const isIsatap = ((address.value >> 32n) & 0xfdff_ffffn) === 0x5efen;
  return isIsatap ? { version: 4, value: address.value & v4Mask } : undefined;
}

/** Returns whether a range names a single address. */
export function isSingle({ version, bits }: Range): boolean {
  return bits === bitsOf[version];
}
