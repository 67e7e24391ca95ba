import { type MachineFacts, machineFacts } from "../../../machine.ts";
import { bytesShort } from "../readable.ts";
import { failed, type Finding, fine, warning } from "./finding.ts";
import { nodePin, nodePinDaysMax } from "./node-pin.ts";

const dayMs = 86_400_000;
/** With fewer live instances a runner is of little use. */
const instancesMin = 256;
/** Connections, pipes of runners and files of the home, with room to spare. */
const openFilesMin = 4_096;
const bytesMin = 2 ** 30;

/**
 * Returns what is found of Node and the machine.
 *
 * @param now  milliseconds since 1970
 */
export async function lookAtMachine(now: number): Promise<readonly Finding[]> {
  return machineFindings(await machineFacts(), now);
}

/** Returns what is found in facts of a machine. */
export function machineFindings(facts: MachineFacts, now: number): readonly Finding[] {
  return [
    nodeVersion(facts),
    nodeAge(now),
    debugSignal(facts),
    suspending(facts),
    instances(facts),
    memory(facts),
    ...openFiles(facts),
    ...coreDumps(facts),
  ];
}

function nodeVersion({ nodeVersion: found }: MachineFacts): Finding {
  if (found === nodePin.version) return fine("node", found);
  const detail = `${found}; this version was tested with ${nodePin.version}`;
  return warning("node", detail, "Run `make install` and start through bin/convergio.js");
}

function nodeAge(now: number): Finding {
  const days = Math.floor((now - Date.parse(nodePin.releasedAt)) / dayMs);
  const detail = `Node ${nodePin.version} came out ${days} days ago`;
  if (days <= nodePinDaysMax) return fine("node age", detail);
  const hint = "Look for a newer Node with security fixes; SECURITY.md says how to move to it";
  return warning("node age", detail, hint);
}

function debugSignal({ nodeFlags }: MachineFacts): Finding {
  if (nodeFlags.includes("--disable-sigusr1")) return fine("debug signal", "closed");
  const detail = "a process of the same user can open a debugger in the host while it starts";
  return warning("debug signal", detail, "Start through bin/convergio.js");
}

function suspending({ suspends }: MachineFacts): Finding {
  if (suspends) return fine("suspending guests", "offered by this Node");
  const detail = "this Node cannot suspend a WebAssembly guest";
  return failed("suspending guests", detail, "Use the Node that `make install` fetches");
}

function instances({ caps: { maps, instancesMax } }: MachineFacts): Finding {
  const from = maps === null ? "address space" : `vm.max_map_count ${maps}`;
  const detail = `${instancesMax} a runner, by ${from}`;
  if (instancesMax >= instancesMin) return fine("live instances", detail);
  return warning("live instances", detail, "Run `sysctl -w vm.max_map_count=262144` as root");
}

function memory({ memoryBytes, processors }: MachineFacts): Finding {
  const detail = `${bytesShort(memoryBytes)}, ${processors} processors`;
  if (memoryBytes >= bytesMin) return fine("machine", detail);
  return warning("machine", detail, "Give the machine 1 GiB, or lower defaults.memory");
}

function openFiles({ openFilesMax }: MachineFacts): readonly Finding[] {
  if (openFilesMax === null) return [];
  const detail = `up to ${openFilesMax}`;
  if (openFilesMax >= openFilesMin) return [fine("open files", detail)];
  const hint = `Run \`ulimit -n ${openFilesMin}\` before it, or raise LimitNOFILE of its unit`;
  return [warning("open files", detail, hint)];
}

/** A dump would hold every secret that was in memory. */
function coreDumps({ dumpsCore }: MachineFacts): readonly Finding[] {
  if (dumpsCore === null) return [];
  if (!dumpsCore) return [fine("core dumps", "off")];
  const hint = "Run `ulimit -c 0` before the host, or set LimitCORE=0 in its unit";
  return [warning("core dumps", "on: a crash would write secrets to disk", hint)];
}
