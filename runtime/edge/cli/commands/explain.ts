import type { EffectView, ExplainView } from "../../../grants/explain.ts";
import { quoteUntrusted, untrustedLine, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { countText, millisecondsText } from "../readable.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

/** Adds `explain`. */
export const addExplain: AddCommand = (parent, world) => {
  const command = parent
    .command("explain")
    .description("show what a call did, on whose behalf, and what would allow what was denied")
    .argument("<call>", "id of a call that is over")
    .action((id: string) =>
      withDoor(world, async (door) => {
        const path = `/calls/${encodeURIComponent(id)}/explain`;
        const view = await askJson<ExplainView>(door, "GET", path);
        show(world, view, () => callText(world, view).join("\n"));
      }),
    );
  example(command, "convergio explain CALL-ID");
};

function callText(world: World, call: ExplainView): string[] {
  const { terminal } = world;
  const name = `${untrustedName(call.plugin)} ${untrustedName(call.version)}`;
  const end = call.code === null ? "answered" : `ended with ${untrustedName(call.code)}`;
  const way =
    call.chain.length === 0 ? "" : `, through ${call.chain.map(untrustedName).join(", ")}`;
  const cost = `fuel ${countText(call.fuel)} · time ${millisecondsText(call.wallMs)}`;
  return [
    `${terminal.paint("bold", `${name} ${untrustedName(call.tool)}`)}  ${end}`,
    `  call ${untrustedName(call.callId)} of ${quoteUntrusted(call.owner, 64)}${way}`,
    `  at ${untrustedName(call.endedAt)} · ${cost} · input ${Number(call.inputBytes)} bytes`,
    ...(call.effects.length === 0 ? ["  it asked the host for nothing"] : []),
    ...call.effects.flatMap((effect) => effectText(world, effect)),
    ...call.calls.flatMap((each) => callText(world, each).map((line) => `  ${line}`)),
  ];
}

function effectText({ terminal }: World, effect: EffectView): string[] {
  const isAllowed = effect.decision === "allowed";
  const decision = terminal.paint(isAllowed ? "green" : "red", untrustedName(effect.decision));
  const line = `  ${decision} ${untrustedName(effect.act)} ${quoteUntrusted(effect.target)}`;
  return effect.allow === null ? [line] : [line, `    ${untrustedLine(effect.allow)}`];
}
