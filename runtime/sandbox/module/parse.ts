import { HostError } from "#manifests/errors.ts";
import type { Reader } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { countOf, readerOf, type Section, section } from "./sections.ts";
import { readSignature, readValueType, type Signature, type ValueType } from "./signatures.ts";

/** What can be imported and exported, in the order of its codes. */
export const kinds = ["function", "table", "memory", "global", "tag"] as const;
/** One of `kinds`. */
export type Kind = (typeof kinds)[number];

/** The size of a table or memory: entries, or pages of 64 KiB. */
export interface Range {
  readonly minimum: number;
  readonly maximum: number | undefined;
}

/** A table: its size and what it holds. */
export interface Table extends Range {
  readonly type: ValueType;
}

/** Offsets into the module: the first byte, and the one behind the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An import; `type` is its index into the types for a function or tag. */
export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: Kind;
  readonly type: number;
  readonly table: Table | undefined;
  readonly memory: Range | undefined;
  /** Its names as written, and what describes it after its kind. */
  readonly names: Span;
  readonly description: Span;
}

/** An export. */
export interface Export {
  readonly name: string;
  readonly kind: Kind;
  readonly index: number;
}

/** What a module declares, without its code and data. */
export interface Module {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  readonly types: readonly Signature[];
  readonly imports: readonly Import[];
  /** Index into the types, for each function: imported ones first. */
  readonly functionTypes: readonly number[];
  readonly importedFunctions: number;
  readonly importedGlobals: number;
  /** Imported ones first, here and in `memories`. */
  readonly tables: readonly Table[];
  readonly memories: readonly Range[];
  readonly globalCount: number;
  readonly exports: readonly Export[];
}

/**
 * Reads what a module declares and refuses features that cannot be bounded.
 *
 * @param bytes   untrusted, validated by the engine
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 */
export function parseModule(bytes: Uint8Array, sections: readonly Section[]): Module {
  const list = <Entry>(id: number, read: (reader: Reader) => Entry): Entry[] => {
    const reader = readerOf(bytes, sections, id);
    return Array.from({ length: countOf(reader) }, () => read(reader));
  };
  for (const each of sections) checkSection(each);
  let values = 0;
  const types = list(section.type, (reader) => {
    const signature = readSignature(reader);
    values += signature.params.length + signature.results.length;
    checkAtMost("the values of all types", values, moduleLimits.typeValuesMax);
    return signature;
  });
  const imports = list(section.import, readImport);
  const functions = imports.filter((each) => each.kind === "function");
  const tables = imports.flatMap((each) => each.table ?? []);
  const memories = imports.flatMap((each) => each.memory ?? []);
  const importedGlobals = imports.filter((each) => each.kind === "global").length;
  const globals = countOf(readerOf(bytes, sections, section.global));
  return {
    bytes,
    sections,
    types,
    imports,
    functionTypes: [
      ...functions.map((each) => each.type),
      ...list(section.function, (reader) => reader.u32()),
    ],
    importedFunctions: functions.length,
    importedGlobals,
    tables: [...tables, ...list(section.table, readTable)],
    memories: [...memories, ...list(section.memory, readMemory)],
    globalCount: importedGlobals + globals,
    exports: list(section.export, readExport),
  };
}

function checkSection(each: Section): void {
  if (each.id > section.tag) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: `sections of kind ${each.id}` });
  }
}

function readName(reader: Reader): string {
  const start = reader.at;
  checkAtMost("a name in bytes", reader.u32(), moduleLimits.nameBytesMax);
  reader.at = start;
  return reader.text();
}

function readImport(reader: Reader): Import {
  const start = reader.at;
  const module = readName(reader);
  const name = readName(reader);
  const names = { start, end: reader.at };
  const kind = readKind(reader);
  const from = reader.at;
  if (kind === "tag") reader.pass(1);
  const type = kind === "function" || kind === "tag" ? reader.u32() : -1;
  const table = kind === "table" ? readTable(reader) : undefined;
  const memory = kind === "memory" ? readMemory(reader) : undefined;
  if (kind === "global") readGlobalType(reader);
  const description = { start: from, end: reader.at };
  return { module, name, kind, type, table, memory, names, description };
}

function readExport(reader: Reader): Export {
  return { name: readName(reader), kind: readKind(reader), index: reader.u32() };
}

function readKind(reader: Reader): Kind {
  const kind = kinds[reader.u8()];
  if (kind === undefined) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "imports or exports of a new kind" });
  }
  return kind;
}

/**
 * Passes over the type and mutability of a global.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_INVALID
 */
export function readGlobalType(reader: Reader): void {
  readValueType(reader);
  if (reader.u8() > 1) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "shared globals" });
  }
}

function readTable(reader: Reader): Table {
  if (reader.bytes[reader.at] === 0x40) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "tables with initial values" });
  }
  const type = readValueType(reader);
  return { type, ...readRange(reader) };
}

function readMemory(reader: Reader): Range {
  return readRange(reader);
}

function readRange(reader: Reader): Range {
  const flags = reader.u8();
  if (flags & 0x02) throw new HostError("MODULE_FEATURE_REFUSED", { feature: "shared memory" });
  if (flags & 0x04) throw new HostError("MODULE_FEATURE_REFUSED", { feature: "memory64" });
  if (flags & 0xf8) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "memories of custom page size" });
  }
  const minimum = reader.u32();
  return { minimum, maximum: flags & 1 ? reader.u32() : undefined };
}
