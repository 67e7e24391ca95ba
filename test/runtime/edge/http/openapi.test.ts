import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestDoor } from "#test/support/http-door.ts";

test("/openapi.json describes every route once, with words, scope and failures", async () => {
  await using door = await openTestDoor({ version: "1.2.3" });
  const { json: api } = await door.askAsOwner({ path: "/openapi.json" });
  assert.equal(api.openapi, "3.1.0");
  assert.equal(api.info.version, "1.2.3");
  const described = Object.entries<Record<string, unknown>>(api.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const wanted = door.server.routes
    .filter(({ url }) => !url.includes(":namespace"))
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)|(\*)$/g, "{$1$2}")}`);
  assert.deepEqual(described.sort(), [...new Set(wanted)].sort());
  for (const methods of Object.values<Record<string, Record<string, unknown>>>(api.paths))
    for (const operation of Object.values(methods)) {
      const { summary, responses, tags, description } = operation as {
        summary: string;
        description: string;
        tags: string[];
        responses: Record<string, { content?: object }>;
      };
      assert.ok(summary.length > 8);
      assert.ok(tags.length > 0);
      if (summary === "Whether the process answers") continue;
      assert.match(description, /scope/, summary);
      assert.ok(responses["4XX"]?.content !== undefined, summary);
    }
});

test("/openapi.json holds nothing of draft 4, and names bodies by their media types", async () => {
  await using door = await openTestDoor();
  const { json: api, text } = await door.askAsOwner({ path: "/openapi.json" });
  assert.doesNotMatch(text, /"nullable"/);
  const { post } = api.paths["/plugins/{id}/invoke"];
  assert.deepEqual(Object.keys(post.requestBody.content), [
    "application/json",
    "application/octet-stream",
  ]);
  assert.deepEqual(post.requestBody.content["application/json"].schema.required, ["input"]);
  assert.deepEqual(
    post.parameters.map((parameter: { name: string }) => parameter.name),
    ["tool", "id"],
  );
});
