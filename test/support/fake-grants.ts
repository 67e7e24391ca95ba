import { HostError } from "#manifests/errors.ts";
import { parseGrants, toGrantsText } from "#manifests/grants.ts";
import type { PluginView, Host } from "#runtime/host.ts";
import { parsePluginId } from "#manifests/names.ts";

/** Acts on grants that are only noted; every plugin asks for a key-value store. */
export function createFakeGrants(
  acts: string[],
  found: (id: string) => PluginView,
): Host["grants"] {
  const kv = { quota: "1MiB", per: "plugin", via: "any" } as const;
  const state = { granted: { grants: 1 } as object, edits: 0 };
  const view: Host["grants"]["view"] = (id) => {
    const held = parseGrants(state.granted);
    return {
      ...toGrantsText(held),
      plugin: found(id).id,
      digest: found(id).digest,
      revision: `revision-${state.edits}`,
      grantedAt: null,
      grantedBy: null,
      callers: ["acme/caller"],
      entries: [
        {
          entry: "kv",
          capability: "kv",
          words: "keep values of its own, up to 1 MiB",
          untrustedReason: "to\u202e remember",
          offer: { grants: 1, kv },
          held: toGrantsText(held),
          secret: null,
          grants:
            held.kv === null
              ? []
              : [
                  {
                    words: "keep values of its own, up to 1 MiB",
                    terms: [],
                    state: "held",
                    via: "any",
                    per: "plugin",
                    ...{ expires: held.kv.expires, uses: held.kv.uses, used: 0 },
                  },
                ],
        },
      ],
    };
  };
  return {
    view,
    async edit(id, { document, revision, callers }, by) {
      if (revision !== view(id).revision) throw new HostError("GRANTS_CHANGED", { plugin: id });
      parseGrants(document);
      const gain = callers.length === 0 ? "" : ` knowing ${callers.join(", ")}`;
      acts.push(`grant ${id} ${JSON.stringify(document)} by ${by.owner}${gain}`);
      state.granted = document as object;
      state.edits += 1;
      return view(id);
    },
    can: (id) => ({
      plugin: parsePluginId(found(id).id),
      version: "1.0.0",
      digest: found(id).digest,
      can: [
        { through: [], capability: "kv", words: "keep values", terms: ["3 of 5 uses left"] },
        { through: ["acme/b"], capability: "network", words: "GET https://a.example/…", terms: [] },
      ],
    }),
    whoCan: (capability, target) => ({
      capability,
      target,
      plugins: [
        { plugin: "acme/a", through: ["acme/b"], capability, words: "GET a", terms: ["until x"] },
      ],
    }),
    explain: async (callId) => {
      throw new HostError("CALL_UNRECORDED", { call: callId });
    },
  };
}
