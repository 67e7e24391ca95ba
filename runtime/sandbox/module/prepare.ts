import { HostError } from "#manifests/errors.ts";
import { checkNames, checkOneMemory } from "./admit.ts";
import { type Kind, type Module, parseModule } from "./parse.ts";
import { meterAll } from "./pass.ts";
import { parseSections, section } from "./sections.ts";
import type { ValueType } from "./signatures.ts";
import { checkSizes } from "./sizes.ts";

export type { ValueType } from "./signatures.ts";

/** The version of the pass: rises whenever it may emit other bytes for the same input. */
export const passVersion: number = 4;

/** What a module asks to be given; `params` and `results` are empty unless it is a function. */
export interface ImportInfo {
  readonly module: string;
  readonly name: string;
  readonly kind: Kind;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** What a module offers; `params` and `results` are empty unless it is a function. */
export interface ExportInfo {
  readonly name: string;
  readonly kind: Kind;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** What the host allows a module. */
export interface PrepareOptions {
  /** Largest memory, in pages of 64 KiB, written as the maximum of every memory. */
  readonly memoryPagesMax: number;
  /** Whether something provides an import, by module and name. */
  readonly admits: (module: string, name: string) => boolean;
}

/** A module that can be run: metered, bounded, and asking for nothing that is not provided. */
export interface Prepared {
  readonly metered: Uint8Array;
  /** As the input has them, without what the pass inserted. */
  readonly imports: readonly ImportInfo[];
  readonly exports: readonly ExportInfo[];
  /** Pages of its memory at start, 0 without one. */
  readonly memoryPagesMin: number;
  readonly hasStart: boolean;
}

/**
 * Returns the metered form of a module, or refuses it.
 *
 * @param bytes   untrusted
 * @throws MODULE_INVALID, MODULE_TOO_LARGE, MODULE_FEATURE_REFUSED, IMPORT_REFUSED
 */
export function prepare(bytes: Uint8Array, options: PrepareOptions): Prepared {
  const sections = parseSections(bytes);
  checkSizes(bytes, sections);
  checkValid(bytes, "it is not valid WebAssembly");
  const module = parseModule(bytes, sections);
  checkOneMemory(module);
  checkNames(module, options.admits);
  const metered = meterAll(module, options.memoryPagesMax);
  checkValid(metered, "the host's metering failed on it, which is a fault of the host");
  return {
    metered,
    imports: module.imports.map((each) => ({
      module: each.module,
      name: each.name,
      kind: each.kind,
      ...signatureOf(module, each.kind, each.type),
    })),
    exports: module.exports.map(({ name, kind, index }) => ({
      name,
      kind,
      ...signatureOf(module, kind, module.functionTypes[index] ?? -1),
    })),
    memoryPagesMin: module.memories[0]?.minimum ?? 0,
    hasStart: sections.some(({ id }) => id === section.start),
  };
}

function checkValid(bytes: Uint8Array, reason: string): void {
  if (!WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) {
    throw new HostError("MODULE_INVALID", { reason });
  }
}

function signatureOf(module: Module, kind: Kind, type: number) {
  const signature = kind === "function" ? module.types[type] : undefined;
  return { params: signature?.params ?? [], results: signature?.results ?? [] };
}
