import { HostError } from "#manifests/errors.ts";
import { covers } from "#manifests/keys.ts";
import type { Caller } from "../keys.ts";

/**
 * Returns who answers when it is a person's channel: the home's owner, or a key that holds `grants` and
 * is not one that programs and models call plugins with.
 *
 * @throws SCOPE_MISSING
 */
export function checkHuman(by: Caller): Caller {
  const isCalling = by.scopes.some((scope) => scope.split(":", 1)[0] === "invoke");
  if (by.kind !== "plugin" && !isCalling && covers(by.scopes, "grants")) return by;
  throw new HostError("SCOPE_MISSING", { scope: "grants" });
}
