/** The new index of each function and global; all other index spaces stay as they are. */
export interface Renumber {
  function(index: number): number;
  global(index: number): number;
}

/** How many imports the pass inserts: charge, yield and grow; and phase. */
export const inserted = { functions: 3, globals: 1 } as const;

/** Returns the numbering after inserting imports behind the existing ones. */
export function renumberBehind(importedFunctions: number, importedGlobals: number): Renumber {
  return {
    function: (index) => (index < importedFunctions ? index : index + inserted.functions),
    global: (index) => (index < importedGlobals ? index : index + inserted.globals),
  };
}

/** Returns the same numbering, which notes the functions of the input that it is asked for. */
export function notingFunctions(renumber: Renumber, noted: Set<number>): Renumber {
  return {
    global: renumber.global,
    function: (index) => {
      noted.add(index);
      return renumber.function(index);
    },
  };
}
