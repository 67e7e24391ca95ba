import { type Reader, Writer } from "./bytes.ts";
import { copyInitialiser } from "./initialisers.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { type Module, readGlobalType } from "./parse.ts";
import type { Renumber } from "./renumber.ts";
import { countOf, readerOf, section } from "./sections.ts";
import { codeOf, readValueType } from "./signatures.ts";

/** A section of segments in its new form, and how long each segment is. */
export interface Segments {
  readonly content: Uint8Array;
  /** Entries of an element segment, bytes of a data segment. */
  readonly lengths: readonly number[];
}

/**
 * Returns the element section with its functions renumbered.
 *
 * @throws MODULE_TOO_LARGE, MODULE_FEATURE_REFUSED, MODULE_INVALID
 * @see https://webassembly.github.io/spec/core/binary/modules.html#element-section
 */
export function renumberElements(module: Module, renumber: Renumber): Segments {
  const segments = renumberSegments(module, section.element, (reader, writer) =>
    copyElements(reader, writer, renumber),
  );
  const total = segments.lengths.reduce((sum, length) => sum + length, 0);
  checkAtMost("the entries of element segments", total, moduleLimits.elementsMax);
  return segments;
}

/**
 * Returns the data section with the globals of its offsets renumbered.
 *
 * @throws MODULE_TOO_LARGE, MODULE_FEATURE_REFUSED, MODULE_INVALID
 * @see https://webassembly.github.io/spec/core/binary/modules.html#data-section
 */
export function renumberData(module: Module, renumber: Renumber): Segments {
  return renumberSegments(module, section.data, (reader, writer) => {
    const flags = reader.u32();
    writer.u32(flags);
    if (flags === 2) writer.u32(reader.u32());
    if (flags !== 1) copyInitialiser(reader, writer, renumber);
    const length = reader.u32();
    const start = reader.at;
    reader.pass(length);
    writer.u32(length).copy(reader.bytes, start, reader.at);
    return length;
  });
}

/**
 * Returns the entries of the global section, without their count, with initialisers renumbered.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 * @see https://webassembly.github.io/spec/core/binary/modules.html#global-section
 */
export function renumberGlobals(module: Module, renumber: Renumber): Uint8Array {
  const reader = readerOf(module.bytes, module.sections, section.global);
  const writer = new Writer();
  for (let left = countOf(reader); left > 0; left--) {
    const start = reader.at;
    readGlobalType(reader);
    writer.copy(module.bytes, start, reader.at);
    copyInitialiser(reader, writer, renumber);
  }
  return writer.view();
}

function renumberSegments(
  module: Module,
  id: number,
  copy: (reader: Reader, writer: Writer) => number,
): Segments {
  const reader = readerOf(module.bytes, module.sections, id);
  const writer = new Writer();
  const count = countOf(reader);
  writer.u32(count);
  const lengths = Array.from({ length: count }, () => copy(reader, writer));
  return { content: writer.view(), lengths };
}

function copyElements(reader: Reader, writer: Writer, renumber: Renumber): number {
  const flags = reader.u32();
  writer.u32(flags);
  const isActive = (flags & 1) === 0;
  const hasExplicitKind = (flags & 3) !== 0;
  const hasExpressions = (flags & 4) !== 0;
  if (isActive && flags & 2) writer.u32(reader.u32());
  if (isActive) copyInitialiser(reader, writer, renumber);
  if (hasExplicitKind) writer.u8(hasExpressions ? codeOf(readValueType(reader)) : reader.u8());
  const count = checkAtMost("the entries of a segment", reader.u32(), moduleLimits.elementsMax);
  writer.u32(count);
  for (let left = count; left > 0; left--) {
    if (hasExpressions) copyInitialiser(reader, writer, renumber);
    else writer.u32(renumber.function(reader.u32()));
  }
  return count;
}
