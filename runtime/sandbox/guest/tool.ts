import { jsonCost, jsonCostMax } from "#manifests/json-cost.ts";
import { describe } from "#manifests/quote.ts";
import type { ToolPlan } from "../messages.ts";
import { compileSchema, type Validator } from "../schema/compile.ts";

/** Steps that checking one value against an author's schema may take: about 50 ms. */
const schemaSteps = 2_000_000;
/** Work below these takes a few milliseconds at most, and needs no word to anybody. */
const lightSteps = 100_000;
const lightCost = 20_000;
const lightChars = 256 * 1024;
/** A text this short cannot cost much. */
const shortChars = 4_096;

/** A failure inside a runner: a code of the error table and its facts. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(code: string, facts: Readonly<Record<string, string | number>> = {}) {
    super(code);
    this.code = code;
    this.facts = facts;
  }
}

/** One tool, ready to turn what a caller sent into what the guest reads, and back. */
export interface Tool {
  readonly plan: ToolPlan;
  /** @throws CallFailure INPUT_INVALID, SCHEMA_TOO_COSTLY */
  input(payload: Buffer, raw: boolean): Uint8Array;
  /** @throws CallFailure OUTPUT_INVALID, SCHEMA_TOO_COSTLY */
  output(bytes: Uint8Array, raw: boolean): Uint8Array;
}

/** One side of a tool: what comes in, or what goes out. */
interface Side {
  readonly plan: ToolPlan;
  readonly code: "INPUT_INVALID" | "OUTPUT_INVALID";
  readonly schema: Validator | undefined;
  readonly onHeavy: () => void;
}

/**
 * Returns the tool of a plan, its schemas compiled once.
 *
 * @param onHeavy hears before a value is checked that will hold the thread for longer than a turn
 */
export function createTool(plan: ToolPlan, onHeavy: () => void): Tool {
  const schemaOf = (schema: unknown) => (schema === undefined ? undefined : compileSchema(schema));
  const input: Side = { plan, code: "INPUT_INVALID", schema: schemaOf(plan.input), onHeavy };
  const output: Side = { plan, code: "OUTPUT_INVALID", schema: schemaOf(plan.output), onHeavy };
  return {
    plan,
    input: (payload, raw) => (raw ? rawInput(input, payload) : inputOf(input, payload)),
    output: (bytes, raw) => (raw ? bytes : outputOf(output, bytes)),
  };
}

function rawInput(side: Side, payload: Buffer): Uint8Array {
  const { encoding } = side.plan;
  if (encoding === "bytes" || encoding === "raw") return payload;
  throw mismatch(side, "$", "JSON", "bytes");
}

function inputOf(side: Side, payload: Buffer): Uint8Array {
  const { encoding } = side.plan;
  // The host wrote this text itself, from a value that it had parsed.
  if (encoding === "json" && side.schema === undefined) return payload;
  const value = parse(side, payload.toString());
  check(side, value);
  switch (encoding) {
    case "json":
      return payload;
    case "raw":
      return typeof value === "string" ? Buffer.from(value) : payload;
    case "text":
      if (typeof value === "string") return Buffer.from(value);
      throw mismatch(side, "$", "a string", describe(value));
    case "bytes":
      return bytesOf(side, value);
  }
}

function bytesOf(side: Side, value: unknown): Uint8Array {
  const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  if (typeof value === "string" && base64.test(value)) return Buffer.from(value, "base64");
  throw mismatch(side, "$", "bytes in base64", describe(value));
}

function outputOf(side: Side, bytes: Uint8Array): Uint8Array {
  const { encoding } = side.plan;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.length > lightChars) side.onHeavy();
  if (encoding === "bytes") {
    const text = buffer.toString("base64");
    check(side, text);
    return json(text);
  }
  const text = utf8(buffer);
  if (text === undefined) {
    if (encoding === "raw") return json({ base64: buffer.toString("base64") });
    throw mismatch(side, "$", "UTF-8", "other bytes");
  }
  const value = parsed(side, text);
  if (value !== undefined) {
    check(side, value.json);
    return buffer;
  }
  if (encoding === "json") throw mismatch(side, "$", "JSON", "other text");
  check(side, text);
  return json(text);
}

/** Returns the text, or undefined when the bytes are no UTF-8. */
function utf8(buffer: Buffer): string | undefined {
  const text = buffer.toString();
  if (!text.includes("\ufffd")) return text;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(buffer);
  } catch {
    return undefined; // Not UTF-8: that is the answer.
  }
}

/** Parses JSON, unless building its values would hold the thread. @throws CallFailure, SyntaxError */
function parse(side: Side, text: string): unknown {
  const cost = text.length < shortChars ? 0 : jsonCost(text);
  if (cost > jsonCostMax) throw mismatch(side, "$", "JSON with fewer values", "too many");
  if (cost > lightCost || text.length > lightChars) side.onHeavy();
  return JSON.parse(text);
}

function parsed(side: Side, text: string): { json: unknown } | undefined {
  try {
    return { json: parse(side, text) };
  } catch (error) {
    // A table of numbers has as many commas as JSON, and is none: only what begins like it is refused.
    if (error instanceof CallFailure && /^\s*[[{]/.test(text)) throw error;
    return undefined; // Not JSON: that is the answer.
  }
}

function check(side: Side, value: unknown): void {
  const { schema, plan, code } = side;
  if (schema === undefined) return;
  let failure = schema.validate(value, { steps: lightSteps });
  if (failure?.kind === "costly") {
    side.onHeavy();
    failure = schema.validate(value, { steps: schemaSteps });
  }
  if (failure === undefined) return;
  if (failure.kind === "costly") {
    const what = code === "INPUT_INVALID" ? "input" : "output";
    throw new CallFailure("SCHEMA_TOO_COSTLY", { what, tool: plan.name });
  }
  throw mismatch(side, failure.path, failure.expected, failure.found);
}

function mismatch(side: Side, path: string, expected: string, found: string): CallFailure {
  return new CallFailure(side.code, { tool: side.plan.name, path, expected, found });
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
