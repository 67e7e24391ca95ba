// Appends to the audit of a home in many lanes until somebody kills it, and says what was acknowledged.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openAudit } from "#runtime/audit.ts";
import { systemClock } from "#runtime/clock.ts";
import { storeIn } from "#test/support/store.ts";

const [folder = "", round = ""] = process.argv.slice(2);
const clock = systemClock();
const files = join(folder, "audit");
mkdirSync(files, { recursive: true });
const store = await storeIn(folder, clock);
// Small files, so that many are sealed and begun while it is killed.
const audit = await openAudit({ folder: files, hot: store.hot, clock, segmentBytesMax: 40_000 });
process.stdout.write("ready\n");

async function lane(name: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const callId = `${round}.${name}.${turn}`;
    const facts = { act: "invoke", decision: "allowed", plugin: "vowels", callId } as const;
    audit.append({ kind: "effect", ...facts });
    audit.append({ kind: "call", ...facts });
    await audit.committed();
    process.stdout.write(`kept ${callId}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, name) => lane(name)));
