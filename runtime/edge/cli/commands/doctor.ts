import { HostError } from "#manifests/errors.ts";
import { untrustedLine } from "../../../untrusted.ts";
import type { Finding } from "../doctor/finding.ts";
import { example } from "../example.ts";
import type { Paint } from "../terminal.ts";
import { type AddCommand, show, type World } from "../world.ts";

const paints = { ok: "green", warning: "yellow", failed: "red" } as const satisfies Record<
  Finding["state"],
  Paint
>;

/** Adds `doctor`. @throws UNHEALTHY, DRILL_BROKEN */
export const addDoctor: AddCommand = (parent, world) => {
  const command = parent
    .command("doctor")
    .description("look at this machine, the home and the host, and say what is wrong")
    .option("--attack", "attack a host of these settings, in a home of its own, and say what held")
    .action(async (options: { readonly attack?: boolean }) => {
      if (options.attack) {
        const { attack } = await import("../doctor/attack.ts");
        return attack(world);
      }
      const { look } = await import("../doctor/look.ts");
      const progress = world.terminal.progress("Looking at this machine, and trying its walls");
      const findings = await look(world).finally(() => progress.end());
      const bad = findings.filter(({ state }) => state === "failed");
      show(world, { ok: bad.length === 0, findings }, () => findingsText(world, findings));
      if (bad.length > 0)
        throw new HostError("UNHEALTHY", { names: bad.map(({ name }) => name).join(", ") });
    });
  example(command, "convergio doctor\n  $ convergio doctor --attack");
};

function findingsText({ terminal }: World, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, state, detail, hint }) => {
      const mark = terminal.paint(paints[state], state.padEnd(7));
      const line = `${mark}  ${untrustedLine(name).padEnd(width)}  ${untrustedLine(detail)}`;
      return hint === "" ? line : `${line}\n${" ".repeat(9)}hint: ${untrustedLine(hint)}`;
    })
    .join("\n");
}
