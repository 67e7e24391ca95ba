import { describe } from "#manifests/quote.ts";
import type { ToolPlan } from "../messages.ts";
import { compileSchema, type Validator } from "../schema/compile.ts";

/** Steps that checking one value against an author's schema may take: about 50 ms. */
const schemaSteps = 2_000_000;

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

/** Returns the tool of a plan, its schemas compiled once. */
export function createTool(plan: ToolPlan): Tool {
  const input = plan.input === undefined ? undefined : compileSchema(plan.input);
  const output = plan.output === undefined ? undefined : compileSchema(plan.output);
  return {
    plan,
    input: (payload, raw) => (raw ? rawInput(plan, payload) : inputOf(plan, input, payload)),
    output: (bytes, raw) => (raw ? bytes : outputOf(plan, output, bytes)),
  };
}

function rawInput(plan: ToolPlan, payload: Buffer): Uint8Array {
  if (plan.encoding === "bytes" || plan.encoding === "raw") return payload;
  throw mismatch("INPUT_INVALID", plan, "$", "JSON", "bytes");
}

function inputOf(plan: ToolPlan, schema: Validator | undefined, payload: Buffer): Uint8Array {
  // The host wrote this text itself, from a value that it had parsed.
  if (plan.encoding === "json" && schema === undefined) return payload;
  const value: unknown = JSON.parse(payload.toString());
  check("INPUT_INVALID", plan, schema, value);
  switch (plan.encoding) {
    case "json":
      return payload;
    case "raw":
      return typeof value === "string" ? Buffer.from(value) : payload;
    case "text":
      if (typeof value === "string") return Buffer.from(value);
      throw mismatch("INPUT_INVALID", plan, "$", "a string", describe(value));
    case "bytes":
      return bytesOf(plan, value);
  }
}

function bytesOf(plan: ToolPlan, value: unknown): Uint8Array {
  const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  if (typeof value === "string" && base64.test(value)) return Buffer.from(value, "base64");
  throw mismatch("INPUT_INVALID", plan, "$", "bytes in base64", describe(value));
}

function outputOf(plan: ToolPlan, schema: Validator | undefined, bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (plan.encoding === "bytes") {
    const text = buffer.toString("base64");
    check("OUTPUT_INVALID", plan, schema, text);
    return Buffer.from(JSON.stringify(text));
  }
  const text = utf8(buffer);
  if (text === undefined) {
    if (plan.encoding === "raw") return json({ base64: buffer.toString("base64") });
    throw mismatch("OUTPUT_INVALID", plan, "$", "UTF-8", "other bytes");
  }
  const value = parsed(text);
  if (value !== undefined) {
    check("OUTPUT_INVALID", plan, schema, value.json);
    return buffer;
  }
  if (plan.encoding === "json") throw mismatch("OUTPUT_INVALID", plan, "$", "JSON", "other text");
  check("OUTPUT_INVALID", plan, schema, text);
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

function parsed(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined; // Not JSON: that is the answer.
  }
}

function check(
  code: "INPUT_INVALID" | "OUTPUT_INVALID",
  plan: ToolPlan,
  schema: Validator | undefined,
  value: unknown,
): void {
  if (schema === undefined) return;
  const failure = schema.validate(value, { steps: schemaSteps });
  if (failure === undefined) return;
  if (failure.kind === "costly") {
    const what = code === "INPUT_INVALID" ? "input" : "output";
    throw new CallFailure("SCHEMA_TOO_COSTLY", { what, tool: plan.name });
  }
  throw mismatch(code, plan, failure.path, failure.expected, failure.found);
}

function mismatch(
  code: "INPUT_INVALID" | "OUTPUT_INVALID",
  plan: ToolPlan,
  path: string,
  expected: string,
  found: string,
): CallFailure {
  return new CallFailure(code, { tool: plan.name, path, expected, found });
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
