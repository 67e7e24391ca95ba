type Schema = Readonly<Record<string, unknown>>;

/** Keywords whose schemas speak of the same value as the schema that they stand in. */
const listsOfSchemas = ["allOf", "anyOf", "oneOf"] as const;
const schemas = ["if", "then", "else", "not"] as const;
/** References that lead on; admitted schemas have no loops, and others are not followed for ever. */
const depthMax = 64;

/**
 * Returns whether a property of a configuration is a secret: whether its schema, or a part of it, is
 * marked `writeOnly` wherever it is named. In doubt it is one.
 *
 * @param root  what an author wrote, admitted by the sandbox; untrusted
 * @see https://json-schema.org/draft/2020-12/json-schema-validation#section-9.4
 */
export function isSecretProperty(root: Schema | null, name: string): boolean {
  if (root === null) return false;
  return sameValue(root, root, 0).some((schema) => {
    const { properties, patternProperties, additionalProperties, unevaluatedProperties } = schema;
    const own = isSchema(properties) && Object.hasOwn(properties, name) ? properties[name] : null;
    const others =
      isSchema(properties) && Object.hasOwn(properties, name)
        ? []
        : [additionalProperties, unevaluatedProperties];
    const patterns = isSchema(patternProperties) ? Object.values(patternProperties) : [];
    return [own, ...patterns, ...others].some((each) => marksSecret(each, root, 0));
  });
}

/** Returns all schemas that speak of the same value. */
function sameValue(schema: Schema, root: Schema, depth: number): readonly Schema[] {
  if (depth > depthMax) return [];
  const { dependentSchemas } = schema;
  const parts = [
    ...listsOfSchemas.flatMap((key) => (Array.isArray(schema[key]) ? schema[key] : [])),
    ...schemas.map((key) => schema[key]),
    ...(isSchema(dependentSchemas) ? Object.values(dependentSchemas) : []),
    referred(schema, root),
  ];
  return [schema, ...parts.filter(isSchema).flatMap((part) => sameValue(part, root, depth + 1))];
}

function marksSecret(part: unknown, root: Schema, depth: number): boolean {
  if (depth > depthMax) return true;
  if (Array.isArray(part)) return part.some((each) => marksSecret(each, root, depth + 1));
  if (!isSchema(part)) return false;
  const { writeOnly } = part;
  if (writeOnly === true) return true;
  const target = referred(part, root);
  return [...Object.values(part), target].some((each) => marksSecret(each, root, depth + 1));
}

/** @see https://www.rfc-editor.org/rfc/rfc6901 */
function referred({ $ref }: Schema, root: Schema): unknown {
  if (typeof $ref !== "string" || !$ref.startsWith("#/")) return undefined;
  const steps = $ref.slice(2).split("/");
  return steps.reduce<unknown>((at, step) => {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    return isSchema(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, root);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
