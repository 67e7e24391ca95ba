import { type Reader, Writer } from "./bytes.ts";
import type { Appended } from "./bulk.ts";
import type { MeteredCode } from "./code-section.ts";
import type { Added } from "./instructions.ts";
import { kinds, type Module, type Range, type Table } from "./parse.ts";
import type { Renumber } from "./renumber.ts";
import { countOf, readerOf, section } from "./sections.ts";
import { codeOf, type Signature } from "./signatures.ts";
import type { SignatureTable } from "./signature-table.ts";

/** Module of the imports that the pass inserts, and prefix of every name that it uses. */
export const meterModule = "convergio:meter";
/** Name under which the counter is exported. */
export const fuelExport = "convergio:fuel";

/** What the sections of the metered module are made of. */
export interface Parts {
  readonly module: Module;
  readonly renumber: Renumber;
  readonly added: Added;
  readonly signatures: SignatureTable;
  readonly appended: readonly Appended[];
  readonly tables: readonly Table[];
  readonly memories: readonly Range[];
  readonly elements: Uint8Array;
  readonly data: Uint8Array;
  readonly globals: Uint8Array;
  readonly code: MeteredCode;
  readonly names: Uint8Array;
}

/** The type of the imports that answer with a number: (i32) → i32. */
export const askSignature: Signature = { params: ["i32"], results: ["i32"] };

/** Returns the bytes of the metered module. */
export function emitModule(parts: Parts): Uint8Array {
  const writer = new Writer(parts.module.bytes.length * 2);
  const emit = (id: number, content: Uint8Array) => {
    if (content.length > 0 && content[0] !== 0) writer.u8(id).sized(content);
  };
  writer.u8(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  // Before the types are written every part that adds one has been made.
  const imports = importSection(parts);
  const functions = functionSection(parts);
  emit(section.type, typeSection(parts));
  emit(section.import, imports);
  emit(section.function, functions);
  emit(section.table, tableSection(parts));
  emit(section.memory, memorySection(parts));
  emit(section.tag, rawSection(parts, section.tag));
  emit(section.global, globalSection(parts));
  emit(section.export, exportSection(parts));
  startSection(parts, writer);
  emit(section.element, parts.elements);
  const dataCount = rawSection(parts, section.dataCount);
  if (dataCount.length > 0) writer.u8(section.dataCount).sized(dataCount);
  writer.u8(section.custom).sized(parts.code.hints);
  emit(section.code, parts.code.content);
  emit(section.data, parts.data);
  writer.u8(section.custom).sized(parts.names);
  return writer.view().slice();
}

function rawSection({ module }: Parts, id: number): Uint8Array {
  const reader = readerOf(module.bytes, module.sections, id);
  return module.bytes.subarray(reader.at, reader.end);
}

/** The entries of the section in the input, without their count. */
function rawEntries({ module }: Parts, id: number): Uint8Array {
  const reader = readerOf(module.bytes, module.sections, id);
  countOf(reader);
  return module.bytes.subarray(reader.at, reader.end);
}

function typeSection(parts: Parts): Uint8Array {
  const added = parts.signatures.added();
  const writer = new Writer().u32(parts.module.types.length + added.length);
  writer.raw(rawEntries(parts, section.type));
  for (const { params, results } of added) {
    writer.u8(0x60);
    for (const types of [params, results]) {
      writer.u32(types.length);
      for (const type of types) writer.u8(codeOf(type));
    }
  }
  return writer.view();
}

function importSection({ module, signatures, tables, memories }: Parts): Uint8Array {
  const writer = new Writer().u32(module.imports.length + 4);
  let table = 0;
  let memory = 0;
  for (const each of module.imports) {
    writer.copy(module.bytes, each.names.start, each.names.end).u8(kinds.indexOf(each.kind));
    if (each.table) writeTable(writer, tables[table++] as Table);
    else if (each.memory) writeRange(writer, memories[memory++] as Range);
    else writer.copy(module.bytes, each.description.start, each.description.end);
  }
  for (const name of ["charge", "yield", "grow"]) {
    writer.text(meterModule).text(name).u8(0).u32(signatures.indexOf(askSignature));
  }
  return writer.text(meterModule).text("phase").u8(3, 0x7f, 1).view();
}

function functionSection({ module, signatures, appended }: Parts): Uint8Array {
  const defined = module.functionTypes.slice(module.importedFunctions);
  const types = [...defined, ...appended.map((each) => signatures.indexOf(each.signature))];
  const writer = new Writer().u32(types.length);
  for (const type of types) writer.u32(type);
  return writer.view();
}

function tableSection({ module, tables }: Parts): Uint8Array {
  const imported = module.imports.filter((each) => each.table).length;
  const writer = new Writer().u32(tables.length - imported);
  for (const table of tables.slice(imported)) writeTable(writer, table);
  return writer.view();
}

function memorySection({ module, memories }: Parts): Uint8Array {
  const imported = module.imports.filter((each) => each.memory).length;
  const writer = new Writer().u32(memories.length - imported);
  for (const memory of memories.slice(imported)) writeRange(writer, memory);
  return writer.view();
}

function writeTable(writer: Writer, table: Table): void {
  writeRange(writer.u8(codeOf(table.type)), table);
}

function writeRange(writer: Writer, { minimum, maximum }: Range): void {
  writer
    .u8(1)
    .u32(minimum)
    .u32(maximum ?? minimum);
}

function globalSection({ module, globals }: Parts): Uint8Array {
  const writer = new Writer().u32(module.globalCount - module.importedGlobals + 1).raw(globals);
  // The counter starts at nothing, so that a host that forgets to set it is asked at once.
  return writer.u8(0x7f, 1, 0x41, 0, 0x0b).view();
}

function exportSection({ module, renumber, added }: Parts): Uint8Array {
  const writer = new Writer().u32(module.exports.length + 1);
  for (const { name, kind, index } of module.exports) {
    writer.text(name).u8(kinds.indexOf(kind));
    if (kind === "function") writer.u32(renumber.function(index));
    else writer.u32(kind === "global" ? renumber.global(index) : index);
  }
  return writer.text(fuelExport).u8(3).u32(added.fuel).view();
}

function startSection({ module, renumber }: Parts, writer: Writer): void {
  const reader: Reader = readerOf(module.bytes, module.sections, section.start);
  if (reader.at >= reader.end) return;
  writer.u8(section.start).sized(new Writer().u32(renumber.function(reader.u32())).view());
}
