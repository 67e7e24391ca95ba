import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import type { Grants } from "#manifests/grants.ts";
import {
  type Address,
  embeddedIn,
  isIn,
  isSingle,
  kindOf,
  parseAddress,
  parseRange,
  type Range,
} from "./addresses.ts";
import { pathUnder } from "./paths.ts";
import type { Target } from "./target.ts";

/** A grant made ready to be asked often. */
interface Rule {
  readonly grant: NetworkGrant;
  readonly methods: ReadonlySet<string>;
  readonly isUnder: (path: string) => boolean;
  readonly ranges: readonly Range[];
}

/** Rules by host; that of a pattern is `.example.com`, that of any host is empty. */
type ByHost = ReadonlyMap<string, readonly Rule[]>;

/** Rules for each scheme and port; most plugins have those of one. */
interface AtPort {
  readonly scheme: string;
  readonly port: number;
  readonly byHost: ByHost;
}

/** Finds the grant that covers a request; a list of grants is made ready once. */
export class NetworkRules {
  readonly #ready = new WeakMap<readonly NetworkGrant[], readonly AtPort[]>();
  readonly #rules = new WeakMap<NetworkGrant, Rule>();

  /**
   * Returns the grant that covers a target: an exact host before a pattern, a long pattern before a
   * short one, and those in the order in which they were given. A target with an address is covered
   * only where the address is public or named.
   */
  find({ network }: Grants, target: Target): NetworkGrant | undefined {
    if (network.length === 0) return undefined;
    const { scheme, host, port } = target;
    for (const each of this.#portsOf(network))
      if (each.port === port && each.scheme === scheme) return findBy(each.byHost, host, target);
    return undefined;
  }

  /** Returns whether a grant lets its host have an address: a public one, or one that it names. */
  mayReach(grant: NetworkGrant, target: Target, address: string): boolean {
    return mayReach(this.#ruleOf(grant), target, address);
  }

  #ruleOf(grant: NetworkGrant): Rule {
    const known = this.#rules.get(grant);
    if (known) return known;
    const rule = ruleOf(grant);
    this.#rules.set(grant, rule);
    return rule;
  }

  #portsOf(network: readonly NetworkGrant[]): readonly AtPort[] {
    const known = this.#ready.get(network);
    if (known) return known;
    const rules = network.map((grant) => this.#ruleOf(grant));
    const groups = Map.groupBy(rules, ({ grant }) => `${grant.scheme} ${grant.port}`);
    const ports = [...groups.values()].map((group) => ({
      scheme: group[0]?.grant.scheme ?? "",
      port: group[0]?.grant.port ?? 0,
      byHost: Map.groupBy(group, ({ grant }) => hostKey(grant)),
    }));
    this.#ready.set(network, ports);
    return ports;
  }
}

function findBy(rules: ByHost, host: string, target: Target): NetworkGrant | undefined {
  const exact = covering(rules.get(host), target);
  if (exact !== undefined) return exact;
  // Patterns speak of names only: `*.0.0.1` is none for an address.
  if (!target.isAddress)
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      const found = covering(rules.get(host.slice(dot)), target);
      if (found !== undefined) return found;
    }
  return covering(rules.get(""), target);
}

function hostKey({ host }: NetworkGrant): string {
  if (host === "*") return "";
  return host.startsWith("*.") ? host.slice(1) : canonical(host);
}

/** A host that URLs write otherwise would never be found; an address of version 6 has many forms. */
function canonical(host: string): string {
  return host.startsWith("[") && URL.canParse(`http://${host}/`)
    ? new URL(`http://${host}/`).hostname
    : host;
}

function ruleOf(grant: NetworkGrant): Rule {
  return {
    grant,
    methods: new Set(grant.methods),
    isUnder: pathUnder(grant.path),
    ranges: grant.addresses.flatMap((range) => parseRange(range) ?? []),
  };
}

function covering(rules: readonly Rule[] | undefined, target: Target): NetworkGrant | undefined {
  const { method, path, address } = target;
  return rules?.find(
    (rule) =>
      rule.methods.has(method) &&
      rule.isUnder(path) &&
      (address === undefined || mayReach(rule, target, address)),
  )?.grant;
}

/** Whether an address is public, or named: as the host itself, or by a range. */
function mayReach({ grant, ranges }: Rule, { host, isAddress }: Target, text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  const isNamed = (each: Address): boolean => {
    const kind = kindOf(each);
    if (kind === null) return true;
    // Nobody answers there, and some systems take the first for themselves.
    if (kind === "unspecified" || kind === "multicast") return false;
    if (grant.host === "localhost" && host === "localhost" && kind === "loopback") return true;
    if (each === address && grant.host !== "*" && isAddress) return true;
    // Credentials of a machine are given away by their own address alone, never by a wide range.
    return ranges.some((range) => isIn(range, each) && (kind !== "metadata" || isSingle(range)));
  };
  const embedded = embeddedIn(address);
  return isNamed(address) && (embedded === undefined || isNamed(embedded));
}
