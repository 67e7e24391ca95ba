import Type, { type Static } from "typebox";
import { createCheck } from "./check.ts";
import { type AuthorSchema, authorSchema, closed, type Refuse } from "./document.ts";
import { HostError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import { quote } from "./quote.ts";
import { parseStrictJson } from "./strict-json.ts";

/** Sample calls of one package: more is a test suite, which belongs to the author's own machine. */
export const samplesMax = 64;
/** Bytes of one of them, and of all together: they are read by the host itself. */
export const sampleBytesMax = 256 * 1024;
const allBytesMax = 4 * 1024 * 1024;
/** Host functions that one sample may record. */
const exchangesMax = 256;

const codeSchema = Type.String({
  pattern: "^[A-Z][A-Z0-9_]{0,63}$",
  errorMessage: "be the code of an error such as PLUGIN_ERROR",
});

const failedSchema = closed({
  code: codeSchema,
  message: Type.Optional(Type.String({ maxLength: 4_096 })),
});

const exchangeSchema = closed(
  {
    function: Type.String({
      pattern: "^[a-z][a-z0-9_]{0,63}$",
      errorMessage: "be the name of a host function such as network_fetch",
    }),
    request: Type.Optional(
      Type.Unknown({ description: "What the plugin must ask; anything when it is left out" }),
    ),
    answer: Type.Union([closed({ ok: Type.Unknown() }), closed({ error: failedSchema })], {
      errorMessage: "be {ok} or {error: {code, message}}",
    }),
    blocks: Type.Optional(
      Type.Array(Type.String({ contentEncoding: "base64" }), {
        maxItems: 16,
        description: "The bytes that come beside the answer, in base64",
      }),
    ),
  },
  { description: "One question to the host, and the answer that was recorded" },
);

/** The schema of a file under `samples/`: a call, what it comes to, and what the host says meanwhile. */
export const sampleSchema = closed(
  {
    sample: Type.Literal(1, { description: "Version of this form" }),
    tool: Type.String({ minLength: 1, maxLength: 64, description: "Name of the tool" }),
    input: Type.Optional(Type.Unknown({ description: "As the body of an invoke has it" })),
    output: Type.Optional(Type.Unknown({ description: "The answer, exactly" })),
    match: Type.Optional(authorSchema),
    error: Type.Optional(codeSchema),
    config: Type.Optional(
      Type.Record(Type.String({ maxLength: 128 }), Type.Unknown(), {
        description: "Settings; the defaults of the manifest when they are left out",
      }),
    ),
    host: Type.Optional(Type.Array(exchangeSchema, { maxItems: exchangesMax })),
  },
  { title: "A sample call that a new version must answer before it answers anybody" },
);

/** A question to the host and its recorded answer. */
export type Exchange = Static<typeof exchangeSchema>;

/** A sample call; untrusted, written by the author of the package that it stands in. */
export interface Sample {
  /** Path in the package. */
  readonly file: string;
  readonly tool: string;
  readonly input: unknown;
  readonly expected:
    | { readonly kind: "output"; readonly output: unknown }
    | { readonly kind: "match"; readonly schema: AuthorSchema }
    | { readonly kind: "error"; readonly code: string };
  readonly config: Readonly<Record<string, unknown>>;
  readonly host: readonly Exchange[];
}

const sampleForm = /^samples\/[^/]+\.json$/;
const refuseIn =
  (file: string): Refuse =>
  (path, problem) =>
    new HostError("MANIFEST_INVALID", { file: quote(file), path, problem });
const check = createCheck<typeof sampleSchema, string>(sampleSchema, (mismatch, file) =>
  refuseIn(file)(mismatch.path, mismatch.problem),
);

/**
 * Returns the sample calls of a package, by their paths in order; none when it ships none.
 *
 * @param files     of the package; untrusted
 * @param manifest  of the same package
 * @throws MANIFEST_INVALID, JSON_INVALID
 */
export function samplesOf(
  files: ReadonlyMap<string, Uint8Array>,
  manifest: Pick<Manifest, "provides">,
): readonly Sample[] {
  const paths = [...files.keys()].filter((path) => sampleForm.test(path)).sort();
  const refuse = refuseIn("samples");
  if (paths.length > samplesMax)
    throw refuse("the folder", `must hold at most ${samplesMax} samples, found ${paths.length}`);
  const bytes = paths.reduce((sum, path) => sum + (files.get(path)?.byteLength ?? 0), 0);
  if (bytes > allBytesMax)
    throw refuse("the folder", `must hold at most ${allBytesMax} bytes, found ${bytes}`);
  const names = new Set(manifest.provides.tools.map(({ name }) => String(name)));
  return paths.map((path) => {
    const sample = parseSample(path, files.get(path) ?? new Uint8Array());
    if (names.has(sample.tool)) return sample;
    throw refuseIn(path)("tool", `must be a tool of the plugin, found ${quote(sample.tool)}`);
  });
}

/**
 * Returns what one file under `samples/` says.
 *
 * @param file   its path, for errors
 * @param bytes  UTF-8 JSON, at most `sampleBytesMax`; untrusted
 * @throws MANIFEST_INVALID, JSON_INVALID
 */
export function parseSample(file: string, bytes: Uint8Array): Sample {
  const bounds = { what: quote(file), bytesMax: sampleBytesMax };
  const written = check(parseStrictJson(bytes, bounds), file);
  const { tool, input = null, config = {}, host = [] } = written;
  return { file, tool, input, expected: expectedOf(written, refuseIn(file)), config, host };
}

function expectedOf(written: Static<typeof sampleSchema>, refuse: Refuse): Sample["expected"] {
  const said = (["output", "match", "error"] as const).filter((key) => Object.hasOwn(written, key));
  if (said.length !== 1)
    throw refuse("the document", `must have one of output, match and error, found ${said.length}`);
  const { match, error } = written;
  if (match !== undefined) return { kind: "match", schema: match };
  if (error !== undefined) return { kind: "error", code: error };
  return { kind: "output", output: written.output };
}
