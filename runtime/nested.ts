import assert from "node:assert/strict";
import { HostError } from "#manifests/errors.ts";
import { call } from "./call.ts";
import type { Calls } from "./calls.ts";
import type { CallTool } from "./capabilities/tools.ts";
import type { Shelf } from "./installed.ts";
import type { Caller } from "./keys.ts";
import { activeVersion, signerName } from "./views.ts";

/** Calls that plugins make of each other's tools, with what is left of their own budget. */
export class NestedCalls {
  #parts: { readonly calls: Calls; readonly shelf: Shelf } | undefined;

  /** Takes the calls of the host, which are built after the capabilities that they use. */
  bind(parts: { readonly calls: Calls; readonly shelf: Shelf }): void {
    this.#parts = parts;
  }

  /**
   * Calls a tool on behalf of a plugin, which is the caller: its key reaches no further by it.
   *
   * @throws SIGNER_CHANGED, and whatever a call throws
   */
  readonly call: CallTool = async (asker, callee, input) => {
    assert(this.#parts);
    const { calls, shelf } = this.#parts;
    const found = activeVersion(shelf.get(callee.plugin));
    // The edge was granted to this signer's plugin: the same id of another one is another plugin.
    if (signerName(found.signer) !== callee.signer) {
      throw new HostError("SIGNER_CHANGED", { plugin: callee.plugin });
    }
    const { request, abort, ...parent } = calls.parentOf(asker.callId);
    const caller: Caller = { ...request.caller, kind: "plugin" };
    const answer = await call(calls, {
      caller,
      plugin: callee.plugin,
      tool: callee.tool,
      input: { json: JSON.stringify(input) },
      parent,
      signal: abort.signal,
    });
    return answer.output.bytes;
  };
}
