import type { LiveCall } from "../../../host.ts";
import { quoteUntrusted, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { millisecondsText } from "../readable.ts";
import { table } from "../table.ts";
import { type AddCommand, show, withDoor } from "../world.ts";

/** Adds `calls` and everything below it. */
export const addCalls: AddCommand = (parent, world) => {
  const calls = parent.command("calls").description("show and cancel calls that run now");
  addCallList(calls, world);
  addCancel(calls, world);
};

const addCallList: AddCommand = (parent, world) => {
  const command = parent
    .command("list", { isDefault: true })
    .description("list the calls that run or wait now: whose, and for how long")
    .action(() =>
      withDoor(world, async (door) => {
        const { calls } = await askJson<{ calls: LiveCall[] }>(door, "GET", "/calls");
        show(world, { calls }, () => listText(calls));
      }),
    );
  example(command, "convergio calls");
};

const addCancel: AddCommand = (parent, world) => {
  const command = parent
    .command("cancel")
    .description("end a call; its caller is told")
    .argument("<call>", "id of the call")
    .action((id: string) =>
      withDoor(world, async (door) => {
        await askJson(door, "DELETE", `/calls/${encodeURIComponent(id)}`);
        const done = world.terminal.paint("green", "cancelled");
        show(world, { callId: id, cancelled: true }, () => `${done} ${untrustedName(id)}`);
      }),
    );
  example(command, "convergio calls cancel CALL-ID");
};

function listText(calls: readonly LiveCall[]): string {
  if (calls.length === 0) return "No call is running";
  const rows = calls.map((call) => [
    untrustedName(call.callId),
    `${untrustedName(call.plugin)}@${untrustedName(call.version)}`,
    untrustedName(call.tool),
    quoteUntrusted(call.owner, 24),
    untrustedName(call.state),
    millisecondsText(call.ageMs),
  ]);
  return table(["CALL", "PLUGIN", "TOOL", "OWNER", "STATE", "FOR"], rows);
}
