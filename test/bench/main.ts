/** Prints the table of numbers: `node test/bench/main.ts [question…] [--json]`. */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { audit } from "./audit.ts";
import { bulk } from "./bulk.ts";
import { fairness } from "./fairness.ts";
import { fresh } from "./fresh.ts";
import { holdings } from "./holdings.ts";
import { hundred } from "./hundred.ts";
import { invoke } from "./invoke.ts";
import { metering } from "./metering.ts";
import { permissions } from "./permissions.ts";
import { redaction } from "./redaction.ts";
import { small } from "./small.ts";
import { stop } from "./stop.ts";
import { suspended } from "./suspended.ts";
import { swap } from "./swap.ts";
import { machine, type Question, type Row, tableOf } from "./table.ts";

const questions: Readonly<Record<string, Question>> = {
  small,
  bulk,
  invoke,
  metering,
  fresh,
  suspended,
  stop,
  fairness,
  swap,
  hundred,
  audit,
  permissions,
  holdings,
  redaction,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const wanted = positionals.length > 0 ? positionals : Object.keys(questions);
const rows: Row[] = [];
const before = loadavg()[0];
for (const name of wanted) {
  const question = questions[name];
  if (question === undefined) {
    console.error(`no question ${name}; there are ${Object.keys(questions).join(", ")}`);
    process.exit(2);
  }
  console.error(`measuring ${name}`);
  rows.push(...(await question()));
}
const load = `load ${before?.toFixed(2)} before, ${loadavg()[0]?.toFixed(2)} after`;
if (values.json) console.log(JSON.stringify({ machine: machine(), load, rows }, undefined, 2));
else console.log(`\n${machine()}, ${load}\n\n${tableOf(rows)}\n`);
process.exit(0);
