import { AppendedFunctions } from "./appended.ts";
import { Events } from "./body.ts";
import { boundMemories, boundTables } from "./bounds.ts";
import { bodiesOf, meterCode } from "./code-section.ts";
import { emitModule } from "./emit.ts";
import type { Added } from "./instructions.ts";
import { nameSection } from "./names.ts";
import type { Module } from "./parse.ts";
import { pricesOf } from "./prices.ts";
import { inserted, notingFunctions, renumberBehind } from "./renumber.ts";
import { renumberData, renumberElements, renumberGlobals } from "./segments.ts";
import { SignatureTable } from "./signature-table.ts";

/**
 * Returns the bytes of a module with its memories and tables bounded and its code metered.
 *
 * @param memoryPagesMax   of 64 KiB
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 */
export function meterAll(module: Module, memoryPagesMax: number): Uint8Array {
  const bodies = bodiesOf(module);
  const renumber = renumberBehind(module.importedFunctions, module.importedGlobals);
  const referenced = new Set<number>();
  const noting = notingFunctions(renumber, referenced);
  const tables = boundTables(module);
  const memories = boundMemories(module, memoryPagesMax);
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
