/** Writes modules byte by byte, for what no assembler would write. */

/** A number as the binary format has it, in as few bytes as it needs. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

/** Entries with their count before them. */
export function vector(...entries: readonly (readonly number[])[]): number[] {
  return [...leb(entries.length), ...entries.flat()];
}

/** A text with its length before it. */
export function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...leb(bytes.length), ...bytes];
}

/** A section: its id and its content. */
export function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

/** A module of sections. */
export function binary(...sections: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

/** The section of types: pairs of parameters and results. */
export function types(...signatures: readonly (readonly [number[], number[]])[]): number[] {
  const entries = signatures.map(([params, results]) => [
    0x60,
    ...leb(params.length),
    ...params,
    ...leb(results.length),
    ...results,
  ]);
  return section(1, vector(...entries));
}

/** The section of functions, by the index of their types. */
export function functions(...indexes: readonly number[]): number[] {
  return section(3, vector(...indexes.map(leb)));
}

/** A body: its instructions without the last `end`, and its groups of locals. */
export function body(
  code: readonly number[],
  locals: readonly (readonly [number, number])[] = [],
): number[] {
  const groups = locals.map(([count, type]) => [...leb(count), type]);
  const content = [...vector(...groups), ...code, 0x0b];
  return [...leb(content.length), ...content];
}

/** The section of code. */
export function code(...bodies: readonly (readonly number[])[]): number[] {
  return section(10, vector(...bodies));
}

/** A module of one function without parameters and results. */
export function oneFunction(
  instructions: readonly number[],
  locals: readonly (readonly [number, number])[] = [],
  ...before: readonly (readonly number[])[]
): Uint8Array {
  return binary(types([[], []]), functions(0), ...before, code(body(instructions, locals)));
}
