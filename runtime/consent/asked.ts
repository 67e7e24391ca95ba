import type { GrantsText } from "#manifests/grants.ts";

/** One thing that a plugin asks for, in our words. Texts under `untrusted` are the author's own. */
export interface AskedEntry {
  /** Its place in the manifest: `network[0]`, `files.cache`, `secrets.WIKI_TOKEN`, `kv`, `tools.x`. */
  readonly entry: string;
  readonly capability: string;
  /** One word for what it does: `fetch`, `keep`, `send`, `see`, `read`, `call`. */
  readonly verb: string;
  readonly words: string;
  readonly warnings: readonly string[];
  readonly untrustedReason: string;
  /** What the version of now asks for under the same name, in our words; null when it is new. */
  readonly was: string | null;
  /** What it leads to by way of other plugins: `through notes: GET https://a.example/…`. */
  readonly reaches: readonly string[];
  /** Hosts that it names; of a secret, those that it may go to. */
  readonly hosts: readonly string[];
  /** The grants that a plain yes to it gives; none for a secret, which the operator must choose. */
  readonly offer: GrantsText;
}

/** What changed of one tool; what is written about a tool is read by models as well as by people. */
export interface ToolChange {
  readonly tool: string;
  readonly change: "added" | "removed" | "changed";
  readonly parts: readonly {
    readonly what: "description" | "input" | "output" | "annotations" | "encoding";
    /** Bounded. */
    readonly untrustedBefore: string;
    readonly untrustedAfter: string;
  }[];
}

/** What an operator is asked before a version runs. */
export interface ConsentAsk {
  readonly id: string;
  readonly version: string;
  /** Of the package: a yes is for this one and no other. */
  readonly digest: string;
  /** `unsigned`, or the signer's name. */
  readonly signer: string;
  readonly source: string;
  /** What it asks for; of an update only what goes beyond the version of now. */
  readonly asks: readonly AskedEntry[];
  /** What stays as it was decided before, whatever is answered. */
  readonly held: GrantsText;
  /** How many things it asks for that were decided before. */
  readonly decided: number;
  /** What only the version of now asks for, in our words. */
  readonly dropped: readonly string[];
  /** What a yes to everything would let it do with one thing and another. */
  readonly together: readonly string[];
  readonly instances: "fresh" | "warm" | "single";
  readonly tools: readonly string[];
  /** Tools that say that they only read: the host holds them to it. */
  readonly readOnly: readonly string[];
  readonly toolChanges: readonly ToolChange[];
  /** Installed plugins that may call it, and gain what it gains. */
  readonly callers: readonly string[];
  /** Version of the same plugin that is installed now. */
  readonly replaces: string | null;
  /** Whether that is a newer one. */
  readonly isOlder: boolean;
  /** Another signer's plugin that is installed under the same id, and would be gone. */
  readonly instead: { readonly version: string; readonly signer: string } | null;
  /** Installed ids that this one could be mistaken for. */
  readonly looksLike: readonly string[];
  /** For each secret that is asked for, the operator's own that may go to all of its hosts. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
}
