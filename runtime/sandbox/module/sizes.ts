import { Reader } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { countOf, readerOf, type Section, section } from "./sections.ts";

const counted = [
  [section.type, "the number of types", moduleLimits.typesMax],
  [section.import, "the number of imports", moduleLimits.importsMax],
  [section.function, "the number of functions", moduleLimits.functionsMax],
  [section.code, "the number of function bodies", moduleLimits.functionsMax],
  [section.table, "the number of tables", moduleLimits.tablesMax],
  [section.global, "the number of globals", moduleLimits.globalsMax],
  [section.export, "the number of exports", moduleLimits.exportsMax],
  [section.element, "the number of element segments", moduleLimits.segmentsMax],
  [section.data, "the number of data segments", moduleLimits.segmentsMax],
  [section.tag, "the number of tags", moduleLimits.tagsMax],
] as const;

/**
 * Checks what can be counted without understanding a module, so that validating it is bounded.
 *
 * @param bytes   untrusted, not yet validated
 * @throws MODULE_TOO_LARGE, MODULE_INVALID
 */
export function checkSizes(bytes: Uint8Array, sections: readonly Section[]): void {
  for (const each of sections) {
    const bound = counted.find(([id]) => id === each.id);
    if (bound) checkAtMost(bound[1], countOf(readerOf(bytes, [each], each.id)), bound[2]);
    if (each.id === section.code) checkBodies(readerOf(bytes, [each], each.id));
  }
}

function checkBodies(reader: Reader): void {
  for (let left = countOf(reader); left > 0; left--) {
    const size = checkAtMost("a function body in bytes", reader.u32(), moduleLimits.bodyBytesMax);
    const start = reader.at;
    reader.pass(size);
    // Bounded by the body: else each of many could claim all that follows it as its locals.
    checkLocals(new Reader(reader.bytes, start, reader.at));
  }
}

function checkLocals(body: Reader): void {
  let locals = 0;
  for (let groups = body.u32(); groups > 0; groups--) {
    locals += body.u32();
    body.pass(1);
    checkAtMost("the number of locals of a function", locals, moduleLimits.localsMax);
  }
}
