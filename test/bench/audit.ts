import type { AuditEntry } from "#runtime/audit-line.ts";
import type { AuditQuery } from "#runtime/audit/query.ts";
import { auditBench } from "#test/support/audit.ts";
import type { Row } from "./table.ts";

const records = 1_000_000;
/** Records that are written before anybody waits: as many as a busy host has in a trip to the disk. */
const together = 200;
const plugins = 50;

/** How long it takes to find records among a million, and to check them all. */
export async function audit(): Promise<readonly Row[]> {
  await using bench = await auditBench();
  const startedAt = performance.now();
  for (let index = 0; index < records; index++) {
    bench.audit.append(entryOf(index));
    if (index % together === 0) await bench.audit.committed();
  }
  await bench.audit.committed();
  const written = performance.now() - startedAt;
  const finding = async (what: string, query: Omit<AuditQuery, "limit">, bar: number) => {
    const before = performance.now();
    const found = await bench.audit.query({ ...query, limit: 100 });
    return rowOf(`${what} (${found.length} found)`, performance.now() - before, bar);
  };
  const checking = async (): Promise<Row> => {
    const before = performance.now();
    const { state } = await bench.audit.verify();
    return rowOf(`audit verify: ${state}`, performance.now() - before, 15_000);
  };
  return [
    rowOf("write them, 200 a trip to the disk", written, 30_000),
    await finding("the newest", {}, 50),
    await finding("an old call by its id", { callId: "call-1234" }, 100),
    await finding("a plugin", { plugin: "local/plugin-7" }, 50),
    await finding("a plugin that has none", { plugin: "local/nothing" }, 100),
    await finding("what was denied, one in ten thousand", { decision: "denied" }, 1_000),
    await finding(
      "installs of a plugin without any",
      { kind: "install", plugin: "local/plugin-7" },
      100,
    ),
    await checking(),
  ];
}

function entryOf(index: number): AuditEntry {
  return {
    kind: "call",
    act: "invoke",
    decision: index % 10_000 === 5 ? "denied" : "allowed",
    owner: `owner ${index % 7}`,
    keyId: "0123456789ab",
    callId: `call-${index}`,
    requestId: `request-${index}`,
    plugin: `local/plugin-${index % plugins}`,
    version: "1.0.0",
    digest: `sha256:${"a".repeat(64)}`,
    tool: "tool",
    inputHash: `sha256:${"b".repeat(64)}`,
    fuel: index,
    wallMs: 1.25,
  };
}

function rowOf(what: string, ms: number, barMs: number): Row {
  return {
    what: `audit of a million records: ${what}`,
    ours: `${ms.toFixed(1)} ms`,
    beside: "-",
    figure: `${ms.toFixed(1)} ms`,
    bar: `under ${barMs} ms`,
    ok: ms < barMs,
  };
}
