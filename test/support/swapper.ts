// Turns a folder into a link and back, as often as it can: `node swapper.ts FOLDER TARGET TIMES`.
import { renameSync, rmSync, symlinkSync } from "node:fs";

const [folder = "", target = "", times = "0"] = process.argv.slice(2);
const aside = `${folder}.aside`;
const link = `${folder}.link`;
process.send?.("begun");
for (let left = Number(times); left > 0; left--) {
  symlinkSync(target, link);
  renameSync(folder, aside);
  renameSync(link, folder);
  // The link is in its place for as long as a few lines of a guest's question take.
  rmSync(folder);
  renameSync(aside, folder);
}
