import { HostError } from "#manifests/errors.ts";
import type { Reader } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";

/** The value types that the host admits. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref" | "exnref";

/** A function type: what it takes and what it gives. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** The bytes that stand for the value types. */
export const valueTypes: readonly (readonly [number, ValueType])[] = [
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
  [0x70, "funcref"],
  [0x6f, "externref"],
  [0x69, "exnref"],
];

const types: ReadonlyMap<number, ValueType> = new Map(valueTypes);

const codes: ReadonlyMap<ValueType, number> = new Map(
  valueTypes.map(([code, type]) => [type, code]),
);

/** The byte that stands for a value type. */
export function codeOf(type: ValueType): number {
  return codes.get(type) as number;
}

/**
 * Reads a value type; those of garbage collection and typed function references are refused.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_INVALID
 */
export function readValueType(reader: Reader): ValueType {
  const type = types.get(reader.u8());
  if (type !== undefined) return type;
  throw new HostError("MODULE_FEATURE_REFUSED", { feature: "garbage-collected reference types" });
}

/** How a block says that it takes and leaves nothing. */
export const emptyBlock = -64;

/**
 * Reads the type of a block: `emptyBlock`, a value type less 128, or an index into the types.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_INVALID
 */
export function readBlockType(reader: Reader): number {
  const type = reader.s33();
  if (type >= 0 || type === emptyBlock || types.has(type + 128)) return type;
  throw new HostError("MODULE_FEATURE_REFUSED", { feature: "garbage-collected reference types" });
}

/**
 * Reads the reference type that `ref.null` names.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_INVALID
 */
export function passHeapType(reader: Reader): void {
  const type = types.get(reader.u8());
  if (type === "funcref" || type === "externref" || type === "exnref") return;
  throw new HostError("MODULE_FEATURE_REFUSED", { feature: "garbage-collected reference types" });
}

/**
 * Reads the next entry of the type section.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 */
export function readSignature(reader: Reader): Signature {
  if (reader.u8() !== 0x60) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "garbage-collected types" });
  }
  return { params: readValueTypes(reader), results: readValueTypes(reader) };
}

function readValueTypes(reader: Reader): ValueType[] {
  const count = checkAtMost("a signature", reader.u32(), moduleLimits.signatureMax);
  return Array.from({ length: count }, () => readValueType(reader));
}
