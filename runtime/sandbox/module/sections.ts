import { HostError } from "#manifests/errors.ts";
import { Reader } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";

/** The ids of sections. */
export const section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Where a section's content lies in the module. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the sections of a module, in the order of the file.
 *
 * @param bytes   untrusted, not yet validated
 * @throws MODULE_INVALID, MODULE_TOO_LARGE, MODULE_FEATURE_REFUSED
 * @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module
 */
export function parseSections(bytes: Uint8Array): readonly Section[] {
  checkAtMost("the module in bytes", bytes.length, moduleLimits.moduleBytesMax);
  checkHeader(bytes);
  const reader = new Reader(bytes, 8);
  const sections: Section[] = [];
  while (reader.at < reader.end) {
    const id = reader.u8();
    const length = reader.u32();
    const start = reader.at;
    reader.pass(length);
    sections.push({ id, start, end: reader.at });
    checkAtMost("the number of sections", sections.length, moduleLimits.sectionsMax);
  }
  return sections;
}

function checkHeader(bytes: Uint8Array): void {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || words.getUint32(0) !== 0x0061736d) {
    throw new HostError("MODULE_INVALID", { reason: "it does not begin as WebAssembly does" });
  }
  const version = words.getUint32(4);
  if (version === 0x0d000100) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "the component model" });
  }
  if (version !== 0x01000000) {
    throw new HostError("MODULE_INVALID", { reason: "it is of a version that is not 1" });
  }
}

/** Returns a reader of the only section with this id, of nothing when there is none. */
export function readerOf(bytes: Uint8Array, sections: readonly Section[], id: number): Reader {
  const found = sections.find((each) => each.id === id);
  return found ? new Reader(bytes, found.start, found.end) : new Reader(bytes, 0, 0);
}

/** Returns the count with which a section of entries begins, 0 for an absent section. */
export function countOf(reader: Reader): number {
  return reader.at < reader.end ? reader.u32() : 0;
}
