/** Every failure the host reports on purpose: HTTP status, sentence, and what to do about it. */
export const errors = {
  MODULE_INVALID: {
    status: 422,
    message: "Cannot load the module: {reason}",
    hint: "Build the plugin again with a released toolchain, then run `convergio plugin install` again",
  },
  MODULE_TOO_LARGE: {
    status: 413,
    message: "Cannot load the module: {what} is {actual}, at most {limit} is allowed",
    hint: "Build with size optimisation, or split the plugin in two",
  },
  MODULE_FEATURE_REFUSED: {
    status: 422,
    message: "Cannot load the module: it uses {feature}, which this host cannot bound",
    hint: "Build without {feature}",
  },
  IMPORT_REFUSED: {
    status: 422,
    message:
      "Cannot load the module: it imports {module}.{name}, which no declared capability provides",
    hint: "Declare the capability under `uses` in manifest.json, or remove the import",
  },
  PREPARE_TIMEOUT: {
    status: 422,
    message: "Cannot load the module: checking and compiling it took more than {limitMs} ms",
    hint: "Make the module smaller or its functions shorter",
  },
  NAME_INVALID: {
    status: 400,
    message: "Cannot use {found} as {what}: it must be {expected}",
    hint: "Write it like {example}",
  },
  NAME_RESERVED: {
    status: 422,
    message: "Cannot use {name} as the id of a plugin: {reserved} is reserved",
    hint: "Choose another id in manifest.json, for example my-team/my-tool",
  },
  JSON_INVALID: {
    status: 400,
    message: "Cannot read {what} as JSON: {reason}",
    hint: "Send one JSON value in UTF-8, with no key twice in an object",
  },
  MANIFEST_INVALID: {
    status: 422,
    message: "Cannot accept {file}: {path} {problem}",
    hint: "Correct {file}; its form is in manifests/examples",
  },
  GRANTS_INVALID: {
    status: 400,
    message: "Cannot accept the grants: {path} {problem}",
    hint: "Run `convergio plugin grants` to see grants in the right form",
  },
  SCOPES_INVALID: {
    status: 400,
    message: "Cannot use {found} as the scopes of a key: {reason}",
    hint: "Give for example `invoke:acme/weather` or `read`",
  },
  SETTINGS_INVALID: {
    status: 400,
    message: "Cannot accept the setting {key} from {origin}: it {problem}",
    hint: "Run `convergio config check` after correcting it",
  },
  LIMIT_ABOVE_CEILING: {
    status: 422,
    message: "Cannot accept manifest.json: limits.{limit} is {asked}, at most {ceiling} is allowed",
    hint: "Ask for less in manifest.json, or raise the setting ceilings.{limit} of the host",
  },
  SCHEMA_REFUSED: {
    status: 422,
    message: "Cannot accept a schema: {path} {reason}",
    hint: "Use the part of JSON Schema 2020-12 that hosts admit",
  },
  INTERNAL: {
    status: 500,
    message: "Cannot finish the request: the host met a fault of its own",
    hint: "Look for the request id in the host's log",
  },
} as const satisfies Record<string, { status: number; message: string; hint: string }>;

/** The name of a failure, stable across releases. */
export type ErrorCode = keyof typeof errors;

/** The names between braces in a text, as a union. */
type Slots<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Slots<Rest>
  : never;

/** The facts that a failure must carry: exactly the slots that its texts name. */
export type Facts<Code extends ErrorCode> = Record<
  Slots<(typeof errors)[Code]["message"] | (typeof errors)[Code]["hint"]>,
  string | number
>;

/** The only error thrown on purpose; anything else that escapes is a bug of the host. */
export class HostError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "HostError";
  readonly code: Code;
  readonly status: number;
  readonly hint: string;
  readonly facts: Facts<Code>;

  constructor(code: Code, facts: Facts<Code>, options?: { cause?: unknown }) {
    super(fill(errors[code].message, facts), options);
    this.code = code;
    this.status = errors[code].status;
    this.hint = fill(errors[code].hint, facts);
    this.facts = facts;
  }
}

function fill(text: string, facts: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(facts[name]));
}
