import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { auditSchema } from "#manifests/audit.ts";
import { backupSchema } from "#manifests/backup.ts";
import { configSchema } from "#manifests/config.ts";
import { manifestSchema } from "#manifests/manifest-schema.ts";
import { sampleSchema } from "#manifests/samples.ts";
import { createHttpServer } from "#runtime/edge/http/server.ts";
import { createFakeHost } from "#test/support/fake-host.ts";

/** Every value under a key, however deep. */
function valuesUnder(key: string, value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Object.hasOwn(value, key) ? [(value as Record<string, unknown>)[key]] : [];
  return [...own, ...Object.values(value).flatMap((inner) => valuesUnder(key, inner))];
}

function assertIsSchema(schema: unknown): void {
  const ajv = new Ajv2020({ strict: false });
  assert.ok(ajv.validateSchema(schema as object), ajv.errorsText());
}

test("the schemas of documents are JSON Schema 2020-12", () => {
  for (const schema of [manifestSchema, configSchema(), auditSchema, sampleSchema, backupSchema])
    assertIsSchema(schema);
});

test("the schemas of routes are JSON Schema 2020-12", async () => {
  const server = createHttpServer(createFakeHost().host, { port: 0 });
  const answer = await server.inject({ method: "GET", url: "/openapi.json" }, "owner");
  await server.close();
  const schemas = valuesUnder("schema", answer.json());
  assert.ok(schemas.length > 20);
  for (const schema of schemas) assertIsSchema(schema);
});
