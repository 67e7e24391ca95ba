import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifySchemaCompiler } from "fastify";
import { mismatchIn } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";

const partNames: Readonly<Record<string, string>> = {
  body: "body",
  querystring: "query",
  params: "path",
  headers: "headers",
};

/**
 * Returns the compiler of route schemas: strict, and nothing is dropped, filled in or changed.
 *
 * Only the query is coerced, because all of it is text: `?limit=5` is the number 5.
 */
export function createSchemaCompiler(): FastifySchemaCompiler<object> {
  const options = { strict: true, allErrors: false, verbose: true, allowUnionTypes: true } as const;
  // A test checks our schemas against theirs; to do it here is a fifth of a second at every start.
  const own = { validateSchema: false, removeAdditional: false } as const;
  const exact = new Ajv2020({ ...options, ...own });
  const coercing = new Ajv2020({ ...options, ...own, coerceTypes: true });
  for (const ajv of [exact, coercing])
    ajv.addVocabulary(["errorMessage", "example"]).addFormat("binary", true);
  return ({ schema, httpPart = "body" }) => {
    const validate = (httpPart === "querystring" ? coercing : exact).compile(schema);
    const part = partNames[httpPart] ?? httpPart;
    return (value: unknown) => {
      if (validate(value)) return true;
      const { path, problem } = mismatchIn(validate.errors ?? []);
      return { error: new HostError("REQUEST_INVALID", { part, path, problem }) };
    };
  };
}
