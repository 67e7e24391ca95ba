import type { AskedEntry, ConsentAsk } from "#runtime/consent/asked.ts";

/** What a plugin is asked about that wants nothing. */
export function askOf(changes: Partial<ConsentAsk> = {}): ConsentAsk {
  return {
    id: "local/vowels",
    version: "1.0.0",
    digest: `sha256:${"a".repeat(64)}`,
    signer: "unsigned",
    source: '"/plugins/vowels"',
    asks: [],
    held: { grants: 1 },
    decided: 0,
    dropped: [],
    together: [],
    instances: "fresh",
    tools: ["count_vowels"],
    readOnly: [],
    toolChanges: [],
    callers: [],
    replaces: null,
    isOlder: false,
    instead: null,
    looksLike: [],
    choices: {},
    ...changes,
  };
}

/** One thing that is asked for. */
export function entryOf(changes: Partial<AskedEntry> = {}): AskedEntry {
  return {
    entry: "kv",
    capability: "kv",
    verb: "keep",
    words: "values of its own, up to 1 MiB",
    warnings: [],
    untrustedReason: "remember",
    was: null,
    reaches: [],
    hosts: [],
    offer: { grants: 1, kv: { quota: "1MiB" } },
    ...changes,
  };
}
