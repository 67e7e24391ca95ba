import type { Binding } from "#manifests/grants.ts";
import type { Shelf } from "../installed.ts";
import type { Caller } from "../keys.ts";
import { isSameBinding } from "../store/records.ts";
import { toGrantsText } from "#manifests/grants.ts";
import type { GrantActs } from "./acts.ts";
import { boundOf, revisionOf } from "./view.ts";

/** The host itself, when it takes away what somebody has granted. */
const host: Caller = {
  kind: "owner",
  id: "host",
  owner: "host",
  scopes: ["admin"],
  ratePerMinute: 0,
};

/**
 * Ends the grant of one secret, in calls that run too; all others stay. One that is gone already is no
 * failure.
 *
 * @throws GRANTS_CHANGED when somebody else changed them meanwhile
 */
export async function revokeSecret(
  { shelf, acts }: { readonly shelf: Shelf; readonly acts: GrantActs },
  { binding, name }: { readonly binding: Binding; readonly name: string },
): Promise<void> {
  const installed = shelf.find(binding.plugin);
  const bound = installed && boundOf(installed);
  if (installed === undefined || !bound || !isSameBinding(bound, binding)) return;
  const { grants } = bound;
  if (!grants.secrets.some((grant) => grant.name === name)) return;
  const secrets = grants.secrets.filter((grant) => grant.name !== name);
  const edit = {
    document: toGrantsText({ ...grants, secrets }),
    revision: revisionOf(installed),
    callers: [],
  };
  await acts.edit(binding.plugin, edit, host);
}
