import { HostError } from "#manifests/errors.ts";
import type { Import, Module } from "./parse.ts";

/** Names that begin so belong to the pass; no guest may use one. */
const reserved = "convergio:";
const shownMax = 128;

/**
 * Checks that every import may be linked and that no name is one of ours.
 *
 * @param admits   whether something provides an import, by module and name
 * @throws IMPORT_REFUSED, MODULE_FEATURE_REFUSED, MODULE_INVALID
 */
export function checkNames(
  module: Module,
  admits: (module: string, name: string) => boolean,
): void {
  for (const each of module.imports) checkImport(each, admits);
  for (const { name } of module.exports) {
    if (!name.startsWith(reserved)) continue;
    const reason = `it exports ${JSON.stringify(name.slice(0, shownMax))}, a name of the host's own`;
    throw new HostError("MODULE_INVALID", { reason });
  }
}

function checkImport(each: Import, admits: (module: string, name: string) => boolean): void {
  if (each.module.startsWith("wasm:")) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "JavaScript string builtins" });
  }
  const isFunction = each.kind === "function";
  const isOurs = each.module.startsWith(reserved) || each.name.startsWith(reserved);
  const isEnvironment = each.module.startsWith("extism:") || each.module.startsWith("wasi_");
  const isAdmitted = !isOurs && admits(each.module, each.name) && (isFunction || !isEnvironment);
  if (isAdmitted) return;
  throw new HostError("IMPORT_REFUSED", {
    module: each.module.slice(0, shownMax),
    name: each.name.slice(0, shownMax),
  });
}

/**
 * Checks that a module has one memory at most.
 *
 * @throws MODULE_FEATURE_REFUSED
 */
export function checkOneMemory(module: Module): void {
  if (module.memories.length < 2) return;
  throw new HostError("MODULE_FEATURE_REFUSED", { feature: "more than one memory" });
}
