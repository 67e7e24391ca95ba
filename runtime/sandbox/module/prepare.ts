import { HostError } from "#manifests/errors.ts";
import { checkNames, checkOneMemory } from "./admit.ts";
import { AppendedFunctions } from "./appended.ts";
import { Events } from "./body.ts";
import { boundMemories, boundTables } from "./bounds.ts";
import { bodiesOf, meterCode } from "./code-section.ts";
import { emitModule } from "./emit.ts";
import type { Added } from "./instructions.ts";
import { nameSection } from "./names.ts";
import { type Kind, type Module, parseModule } from "./parse.ts";
import { pricesOf } from "./prices.ts";
import { inserted, notingFunctions, renumberBehind } from "./renumber.ts";
import { parseSections, section } from "./sections.ts";
import { renumberData, renumberElements, renumberGlobals } from "./segments.ts";
import { SignatureTable } from "./signature-table.ts";
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
  const metered = meter(module, options);
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

function meter(module: Module, options: PrepareOptions): Uint8Array {
  const bodies = bodiesOf(module);
  const renumber = renumberBehind(module.importedFunctions, module.importedGlobals);
  const referenced = new Set<number>();
  const noting = notingFunctions(renumber, referenced);
  const tables = boundTables(module);
  const memories = boundMemories(module, options.memoryPagesMax);
  const elements = renumberElements(module, noting);
  const data = renumberData(module, noting);
  const globals = renumberGlobals(module, noting);
  const events = new Events();
  const prices = pricesOf(module, bodies, events, referenced);
  const added = addedTo(module);
  const stores = { tables, memories, dataLengths: data.lengths, elementLengths: elements.lengths };
  const appended = new AppendedFunctions(added, stores);
  const signatures = new SignatureTable(module.types);
  const { bytes, sections } = module;
  const { catches } = prices;
  const metering = { bytes, added, appended, prices, renumber, signatures, events, catches };
  const code = meterCode(module, bodies, metering, prices);
  const names = nameSection(bytes, sections, renumber, namesOf(added, appended));
  return emitModule({
    ...{ module, renumber, added, signatures, tables, memories, globals, code, names },
    appended: appended.all(),
    elements: elements.content,
    data: data.content,
  });
}

function addedTo(module: Module): Added {
  const functions = module.importedFunctions;
  const appended = module.functionTypes.length + inserted.functions;
  return {
    charge: functions,
    yield: functions + 1,
    grow: functions + 2,
    phase: module.importedGlobals,
    fuel: module.globalCount + inserted.globals,
    refuel: appended,
    spend: appended + 1,
  };
}

function namesOf(added: Added, appended: AppendedFunctions) {
  const imports = (["charge", "yield", "grow"] as const).map((name) => ({
    index: added[name],
    name: `convergio:${name}`,
  }));
  const functions = appended.all().map(({ name }, position) => ({
    index: added.refuel + position,
    name: `convergio:${name}`,
  }));
  return [...imports, ...functions];
}
