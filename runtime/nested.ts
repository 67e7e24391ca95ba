import assert from "node:assert/strict";
import { HostError } from "#manifests/errors.ts";
import { isInRange } from "#manifests/names.ts";
import { quote } from "#manifests/quote.ts";
import { call } from "./call.ts";
import type { Calls } from "./calls.ts";
import type { Callee, CallTool, IsReadOnly } from "./capabilities/tools.ts";
import type { Shelf } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { VersionRecord } from "./store/records.ts";
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
   * @throws CAPABILITY_DENIED, SIGNER_CHANGED, VERSION_NOT_FOUND, OUTPUT_TOO_LARGE, and
   *   whatever a call throws
   */
  readonly call: CallTool = async (asker, callee, input) => {
    assert(this.#parts);
    const { calls, shelf } = this.#parts;
    const version = versionFor(shelf, callee);
    // It may be another version than the one that answered when the edge was looked for.
    if (asker.readOnly && !readsOnly(version, callee))
      throw new HostError("CAPABILITY_DENIED", { verb: "call tools", plugin: asker.plugin });
    const { digest } = version;
    const { request, abort, take, ...parent } = calls.parentOf(asker.callId);
    const caller: Caller = { ...request.caller, kind: "plugin" };
    const answer = await call(calls, {
      caller,
      plugin: `${callee.plugin}@${digest}`,
      tool: callee.tool,
      input: { json: JSON.stringify(input) },
      parent,
      signal: abort.signal,
      ...(request.requestId !== undefined && { requestId: request.requestId }),
    });
    const { bytes } = answer.output;
    take(bytes.length);
    return bytes;
  };

  /** Whether the tool that would answer is marked `readOnly`; one that cannot be called is not. */
  readonly isReadOnly: IsReadOnly = (callee) => {
    assert(this.#parts);
    const installed = this.#parts.shelf.find(callee.plugin);
    if (installed === undefined) return false;
    const version = fitting(this.#parts.shelf, callee);
    return version !== undefined && readsOnly(version, callee);
  };
}

function readsOnly({ manifest }: VersionRecord, callee: Callee): boolean {
  const tool = manifest.provides.tools.find(({ name }) => name === callee.tool);
  return tool?.annotations.readOnly === true;
}

/** @throws PLUGIN_NOT_FOUND, SIGNER_CHANGED, VERSION_NOT_FOUND */
function versionFor(shelf: Shelf, callee: Callee): VersionRecord {
  const { plugin, signer, range } = callee;
  // The edge was granted to this signer's plugin: the same id of another one is another plugin.
  if (signerName(activeVersion(shelf.get(plugin)).signer) !== signer)
    throw new HostError("SIGNER_CHANGED", { plugin });
  const found = fitting(shelf, callee);
  if (found !== undefined) return found;
  throw new HostError("VERSION_NOT_FOUND", { plugin, version: quote(range) });
}

/** Returns the version that answers now if it will do, else the newest installed that will. */
function fitting(shelf: Shelf, { plugin, signer, range }: Callee): VersionRecord | undefined {
  const installed = shelf.get(plugin);
  const active = activeVersion(installed);
  if (range === "*") return active;
  const own = installed.versions.filter((version) => signerName(version.signer) === signer);
  return [active, ...own.toReversed()].find(({ version }) => isInRange(version, range));
}
