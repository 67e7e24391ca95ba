import { untrustedLine, untrustedName } from "../../../untrusted.ts";
import type { VaultView } from "../../../vault/vault.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

/** Adds `vault` and everything below it. */
export const addVault: AddCommand = (parent, world) => {
  const vault = parent.command("vault").description("look after what seals the secrets");
  const rotate = vault
    .command("rotate")
    .description("seal all secrets anew with new keys, in one step")
    .action(() => act(world, "/vault/rotate"));
  example(rotate, "convergio vault rotate");
  const check = vault
    .command("check")
    .description("open every secret once, and look for the key again when it was not there")
    .action(() => act(world, "/vault/check"));
  example(check, "convergio vault check --json");
};

function act(world: World, path: string): Promise<void> {
  return withDoor(world, async (door) => {
    const view = await askJson<VaultView>(door, "POST", path);
    show(world, view, () => vaultText(world, view));
  });
}

function vaultText({ terminal }: World, view: VaultView): string {
  const { state, detail, secrets, damaged } = view;
  const style = state === "locked" ? "red" : "green";
  const opened = state === "open" ? `, ${secrets - damaged.length} of ${secrets} open` : "";
  const lines = damaged.map(
    (name) => `${terminal.paint("red", "damaged")} ${untrustedName(name)}: set it again`,
  );
  const head = `${terminal.paint(style, state)}${opened}; ${untrustedLine(detail)}`;
  return [head, ...lines].join("\n");
}
