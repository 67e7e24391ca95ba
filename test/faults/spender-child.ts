// A real host whose one plugin uses up what it was given, until somebody kills it.
import { tell } from "#test/support/granted.ts";
import { openHostIn } from "#test/support/host.ts";

const [folder = ""] = process.argv.slice(2);
const test = await openHostIn(folder);
process.stdout.write("ready\n");

async function spendForEver(): Promise<void> {
  for (;;) {
    const told = await tell(test, "spender", "set", { key: "a", value: "b" });
    process.stdout.write(`${told.error?.code ?? "used"}\n`);
  }
}
await Promise.all([0, 1, 2, 3].map(spendForEver));
