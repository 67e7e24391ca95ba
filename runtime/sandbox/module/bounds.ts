import { checkAtMost, moduleLimits } from "./limits.ts";
import type { Module, Range, Table } from "./parse.ts";

/**
 * Returns the tables of a module, each with a maximum that the host chose or lowered.
 *
 * @throws MODULE_TOO_LARGE
 */
export function boundTables(module: Module): readonly Table[] {
  const entries = module.tables.reduce((sum, { minimum }) => sum + minimum, 0);
  checkAtMost("the tables' entries at start", entries, moduleLimits.tableEntriesMax);
  return module.tables.map((table) => ({
    ...table,
    ...bounded(table, moduleLimits.tableEntriesMax),
  }));
}

/**
 * Returns the memories of a module, none or one, with a maximum that the host chose or lowered.
 *
 * @param pagesMax   of 64 KiB
 * @throws MODULE_TOO_LARGE
 */
export function boundMemories(module: Module, pagesMax: number): readonly Range[] {
  return module.memories.map((memory) => {
    checkAtMost("the memory at start in pages", memory.minimum, pagesMax);
    return bounded(memory, pagesMax);
  });
}

function bounded(range: Range, limit: number): Range {
  return { minimum: range.minimum, maximum: Math.min(range.maximum ?? limit, limit) };
}
