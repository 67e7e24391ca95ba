/** A host that updates, goes back or is configured, and kills itself at a moment of its choice. */
import { owner } from "#runtime/keys.ts";
import { openHostIn } from "#test/support/host.ts";
import { installFrom } from "#test/support/written.ts";

const [folder = "", act = "", moment = "", afterMs = "", path = ""] = process.argv.slice(2);
const { host, ...home } = await openHostIn(folder);

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

function dieSoon(): void {
  if (afterMs === "") die();
  else setTimeout(die, Number(afterMs));
}

if (act === "rollback") {
  dieSoon();
  await host.versions.rollback("local/swaps", owner);
} else if (act === "config") {
  dieSoon();
  await host.plugins.setConfig("local/swaps", { units: "imperial" }, owner);
} else
  await installFrom({ host, ...home }, path, {
    onStep: (step) => {
      if (step === moment) dieSoon();
    },
  });
process.stdout.write("done\n");
// Whoever began it waits for its end.
die();
