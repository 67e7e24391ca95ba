/** A host that starts one runner, which never reads its pipe's end, tells its number and waits. */
import { once } from "node:events";
import { startNode } from "#runtime/sandbox/process.ts";
import { raiseHere } from "./walls.ts";

const { wall } = await raiseHere();
const child = startNode(wall, ["-e", "process.stderr.write('up'); for (;;);"]);
if (child.stderr) await once(child.stderr, "data");
process.stdout.write(`${child.innerPid}`);
setInterval(() => {}, 1_000);
