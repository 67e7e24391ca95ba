import { checkFolder } from "../capabilities/files/allowed.ts";
import type { Audit } from "../audit.ts";
import type { CapabilityTable } from "../capabilities/table.ts";
import type { Clock } from "../clock.ts";
import type { Events } from "../events.ts";
import type { Shelf } from "../installed.ts";
import type { Caller } from "../keys.ts";
import type { HostNetwork } from "../network.ts";
import type { PluginStore } from "../store/plugins.ts";
import type { Turns } from "../turns.ts";
import type { GrantBook } from "./book.ts";
import { type CanView, can, type WhoCanView, whoCan } from "./can.ts";
import { type Edit, editGrants } from "./edit.ts";
import { type ExplainView, explain } from "./explain.ts";
import { type GrantsView, grantsView } from "./view.ts";

/** What operators ask about grants, and how they change them. */
export interface GrantActs {
  /** What was granted, with what is asked for beside it. @throws PLUGIN_NOT_FOUND */
  view(id: string): GrantsView;
  /**
   * Puts other grants in their place; what becomes less holds from then on, in calls that run too.
   * @throws PLUGIN_NOT_FOUND, SCOPE_MISSING, GRANTS_INVALID, GRANTS_CHANGED, GRANTS_REACH, FOLDER_REFUSED
   */
  edit(id: string, edit: Edit, by: Caller): Promise<GrantsView>;
  /** What a plugin can do now, through others too. @throws PLUGIN_NOT_FOUND */
  can(id: string): CanView;
  /** Which plugins can do something now; a null target is anything. */
  whoCan(capability: string, target: string | null): WhoCanView;
  /** A call that is over, with all that it did. @throws CALL_UNRECORDED */
  explain(callId: string, by: Caller): Promise<ExplainView>;
}

/** What the acts on grants need of the host. */
export interface GrantActsParts {
  readonly clock: Clock;
  readonly shelf: Shelf;
  readonly table: CapabilityTable;
  readonly grants: GrantBook;
  readonly audit: Audit;
  readonly events: Pick<Events, "emit">;
  readonly turns: Turns;
  readonly home: { readonly path: string };
  readonly network: Pick<HostNetwork, "review">;
  readonly store: { readonly plugins: PluginStore };
}

/** Creates the acts on grants. */
export function createGrantActs(parts: GrantActsParts): GrantActs {
  const { shelf, store, home, network } = parts;
  const editing = {
    ...parts,
    store: store.plugins,
    checkFolder: (path: string) => checkFolder(path, home.path),
  };
  return {
    view: (id) => grantsView(parts, shelf.get(id)),
    // Connections by what was taken away close now, not at their next look at their grants.
    edit: (id, edit, by) => editGrants(editing, id, edit, by).finally(() => network.review()),
    can: (id) => can(parts, id),
    whoCan: (capability, target) => whoCan(parts, capability, target),
    explain: (callId, by) => explain(parts, callId, by),
  };
}
