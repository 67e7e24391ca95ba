/** The yardstick of the HTTP question: a fastify route that takes and gives the same JSON. */
import fastify from "fastify";

const app = fastify();
const body = {
  type: "object",
  properties: { tool: { type: "string" }, input: {} },
  required: ["input"],
  additionalProperties: false,
} as const;
const usage = {
  type: "object",
  properties: {
    fuel: { type: "number" },
    wallMs: { type: "number" },
    memoryBytes: { type: "number" },
    hostCalls: { type: "number" },
  },
} as const;
const answer = {
  type: "object",
  properties: {
    output: { type: "object", properties: { count: { type: "integer" } } },
    callId: { type: "string" },
    usage,
  },
} as const;

app.post("/invoke", { schema: { body, response: { 200: answer } } }, async () => ({
  output: { count: 3 },
  callId: "0zL5Gn2vQmXb-1",
  usage: { fuel: 840, wallMs: 0.215, memoryBytes: 131_072, hostCalls: 0 },
}));
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
