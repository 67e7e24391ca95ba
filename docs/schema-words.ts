/** The parts of a JSON Schema that a reader of a reference page wants. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly description?: string;
  readonly errorMessage?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

/** Returns the members of an object, or of each object of a list, as a table. */
export function membersTable(schema: unknown): string {
  const { properties = {}, required = [], items, anyOf } = schema as Schema;
  if (items !== undefined) return `A list; each entry is:\n\n${membersTable(items)}`;
  if (anyOf !== undefined) return anyOf.map(membersTable).join("\n\nor\n\n");
  const rows = Object.entries(properties).map(([name, member]) => {
    const shown = required.includes(name) ? `**\`${name}\`**` : `\`${name}\``;
    return `| ${shown} | ${typeText(member).replaceAll("|", "\\|")} | ${words(member)} |`;
  });
  if (rows.length === 0) return typeText(schema as Schema);
  return ["| member | is | what |", "|---|---|---|", ...rows].join("\n");
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(" or ");
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`;
  if (schema.type === "object") return objectText(schema);
  if (schema.type === "integer" || schema.type === "number")
    return `${schema.type}${range(schema)}`;
  return schema.type ?? "anything";
}

function objectText({ properties, required = [], patternProperties }: Schema): string {
  if (patternProperties !== undefined) {
    const [value] = Object.values(patternProperties);
    return `object of ${value === undefined ? "anything" : typeText(value)}`;
  }
  const members = Object.entries(properties ?? {}).map(
    ([name, member]) => `\`${name}${required.includes(name) ? "" : "?"}\`: ${typeText(member)}`,
  );
  return members.length === 0 ? "object" : `{ ${members.join("; ")} }`;
}

function range({ minimum, maximum }: Schema): string {
  if (minimum === undefined && maximum === undefined) return "";
  if (maximum === undefined) return ` from ${minimum}`;
  return minimum === undefined ? ` to ${maximum}` : ` ${minimum} to ${maximum}`;
}

function words({ description, errorMessage }: Schema): string {
  const rule = errorMessage === undefined ? "" : `must ${errorMessage}`;
  return [description, rule].filter(Boolean).join("; ").replaceAll("|", "\\|");
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
