import { HostError } from "#manifests/errors.ts";

/** What a module may hold at most; each number with its reason. */
export const moduleLimits = {
  /** The largest guests seen (Go, Kotlin, a JavaScript engine) stay below 16 MiB. */
  moduleBytesMax: 64 * 1024 * 1024,
  /** The engine compiles a whole function at once, in the runner, on its first call. */
  bodyBytesMax: 1024 * 1024,
  /** A Go program with its runtime has about 5,000; the engine keeps about 100 bytes for each. */
  functionsMax: 50_000,
  /** Every call clears its locals; 10,000 of them already fill a twelfth of a stack. */
  localsMax: 10_000,
  /** Go nests a block for each place where a function may resume: 550 in its own libraries. */
  nestingMax: 4_000,
  /** 8 MB of entries; the largest function table seen has 9,000. */
  tableEntriesMax: 1_000_000,
  /** Sums and counts of tables: real modules have one to three. */
  tablesMax: 100,
  /** One type a function would be the worst honest case; real modules have a few hundred. */
  typesMax: 50_000,
  /** What the engine itself admits in one signature. */
  signatureMax: 1_000,
  /** All types together; a Go program of 5 MB has under 1,000. */
  typeValuesMax: 1_000_000,
  /** WASI and the Extism environment together have under 100. */
  importsMax: 1_000,
  /** A module that exports every function it has. */
  exportsMax: 50_000,
  /** Compilers keep globals for the stack pointer and the like: under 1,000 seen. */
  globalsMax: 50_000,
  /** Tags are exception kinds: under ten seen. */
  tagsMax: 1_000,
  /** What the engine admits; a Go program of 5 MB has 63,000 data segments. */
  segmentsMax: 100_000,
  /** All element segments together; as many as fill the largest table. */
  elementsMax: 1_000_000,
  /** An initialiser is one to three instructions; it runs without metering. */
  initialiserBytesMax: 1_024,
  /** Custom sections are dropped, so only their number matters. */
  sectionsMax: 10_000,
  /** Names of imports and exports; mangled names of deep generic types reach 2 KiB. */
  nameBytesMax: 8_192,
  /** Honest bodies grow by half; one made of empty loops grows eightfold, to compile as slowly. */
  meteredBodyBytesMax: 4 * 1024 * 1024,
  /** Honest modules grow by a tenth to a half. */
  meteredBytesMax: 128 * 1024 * 1024,
} as const;

/**
 * Checks a count or size of an untrusted module against its bound.
 *
 * @param what    what is counted, as a plain text: "a function body in bytes"
 * @throws MODULE_TOO_LARGE
 */
export function checkAtMost(what: string, actual: number, limit: number): number {
  if (actual > limit) throw new HostError("MODULE_TOO_LARGE", { what, actual, limit });
  return actual;
}
