// Opens a home and says how that went; keeps it until somebody kills it.
import { HostError } from "#manifests/errors.ts";
import { openHome } from "#runtime/home.ts";

const [path = ""] = process.argv.slice(2);
try {
  const home = await openHome(path);
  console.log(`open ${home.crashed?.pid ?? "none"}`);
  setInterval(() => {}, 60_000);
} catch (error) {
  if (!(error instanceof HostError)) throw error;
  console.log(`${error.code} ${Object.values(error.facts).join(" ")}`);
}
