import { Reader, Writer } from "./bytes.ts";
import { checkAtMost } from "./limits.ts";
import type { Renumber } from "./renumber.ts";
import { type Section, section } from "./sections.ts";

/** Subsections that are kept as they are: the module, types, tables, memories, segments, tags. */
const kept: ReadonlySet<number> = new Set([0, 4, 5, 6, 8, 9, 11]);
const functionNames = 1;
const localNames = 2;
const globalNames = 7;

/** More than functions and globals together: each name is an object while it is renumbered. */
const namesMax = 200_000;

/** A name for a function that the pass appended or imported. */
export interface Named {
  readonly index: number;
  readonly name: string;
}

/**
 * Returns the content of the name section, renumbered, with names for the inserted functions.
 *
 * Names only serve stack traces, so a malformed section is left out rather than refused; names of
 * labels are left out because inserted blocks move them.
 *
 * @param sections   untrusted
 * @see https://webassembly.github.io/spec/core/appendix/custom.html#name-section
 */
export function nameSection(
  bytes: Uint8Array,
  sections: readonly Section[],
  renumber: Renumber,
  added: readonly Named[],
): Uint8Array {
  const own = new Writer().u32(added.length);
  for (const { index, name } of added) own.u32(index).text(name);
  for (const each of sections) {
    const reader = new Reader(bytes, each.start, each.end);
    if (each.id !== section.custom || !isNamed(reader)) continue;
    const content = renumbered(reader, renumber, added);
    if (content) return content;
  }
  return new Writer().text("name").u8(functionNames).sized(own.view()).view();
}

function isNamed(reader: Reader): boolean {
  try {
    return reader.text() === "name";
  } catch {
    // The length of its name runs past the section: no name, no use.
    return false;
  }
}

function renumbered(
  reader: Reader,
  renumber: Renumber,
  added: readonly Named[],
): Uint8Array | undefined {
  try {
    return renumberedSubsections(reader, renumber, added);
  } catch {
    // The standard lets a host ignore a malformed custom section.
    return undefined;
  }
}

function renumberedSubsections(
  reader: Reader,
  renumber: Renumber,
  added: readonly Named[],
): Uint8Array {
  const writer = new Writer().text("name");
  const functions: Named[] = [...added];
  const rest = new Writer();
  while (reader.at < reader.end) {
    const id = reader.u8();
    const length = reader.u32();
    const start = reader.at;
    reader.pass(length);
    const inner = new Reader(reader.bytes, start, reader.at);
    if (id === functionNames) functions.push(...readNames(inner, renumber.function));
    else if (id === globalNames) rest.u8(id).sized(namesOf(readNames(inner, renumber.global)));
    else if (id === localNames) rest.u8(id).sized(localsOf(inner, renumber));
    else if (id === 0) writer.u8(id).sized(inner.bytes.subarray(start, reader.at));
    else if (kept.has(id)) rest.u8(id).sized(inner.bytes.subarray(start, reader.at));
  }
  functions.sort((left, right) => left.index - right.index);
  return writer.u8(functionNames).sized(namesOf(functions)).raw(rest.view()).view();
}

function readNames(reader: Reader, renumber: (index: number) => number): Named[] {
  const names: Named[] = [];
  const count = checkAtMost("the number of names", reader.u32(), namesMax);
  for (let left = count; left > 0; left--) {
    names.push({ index: renumber(reader.u32()), name: reader.text() });
  }
  return names;
}

function namesOf(names: readonly Named[]): Uint8Array {
  const writer = new Writer().u32(names.length);
  for (const { index, name } of names) writer.u32(index).text(name);
  return writer.view();
}

/** Locals keep their numbers: the pass adds its own behind them. */
function localsOf(reader: Reader, renumber: Renumber): Uint8Array {
  const functions = reader.u32();
  const writer = new Writer().u32(functions);
  for (let left = functions; left > 0; left--) {
    writer.u32(renumber.function(reader.u32()));
    const start = reader.at;
    for (let names = reader.u32(); names > 0; names--) {
      reader.passNumber();
      reader.pass(reader.u32());
    }
    writer.copy(reader.bytes, start, reader.at);
  }
  return writer.view();
}
