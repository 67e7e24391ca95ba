import type { Caller } from "#runtime/keys.ts";
import { owner } from "#runtime/keys.ts";
import { guest, userImport } from "./guests.ts";
import { installGuest, invoke, type TestHost } from "./host.ts";

/** Values that a loop of `keeper` tries to keep. */
export const loopTurns = 3_000;

/**
 * A guest whose tools pass their input on: `set` and `get` to the key-value store, `relay` to another
 * plugin's tool; `loop` keeps the value of its input again and again, and gives the last answer. `look`
 * and `peek` are `set` and `relay` under names that a manifest may mark readOnly; `who` is call_info.
 */
export const keeper = guest({
  imports: ["kv_get", "kv_set", "tools_call", "call_info"].map(userImport).join("\n"),
  body: `(func $set (call $giveBack (call $kv_set (call $input_offset))))
    (func $relay (call $giveBack (call $tools_call (call $input_offset))))
    (export "set" (func $set)) (export "look" (func $set))
    (export "relay" (func $relay)) (export "peek" (func $relay))
    (func (export "get") (call $giveBack (call $kv_get (call $input_offset))))
    (func (export "who") (call $giveBack (call $call_info (call $input_offset))))
    (func (export "loop") (local $turn i32) (local $last i64)
      (loop $again
        (if (i64.ne (local.get $last) (i64.const 0)) (then (call $free (local.get $last))))
        (local.set $last (call $kv_set (call $input_offset)))
        (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $turn) (i32.const ${loopTurns}))))
      (call $giveBack (local.get $last)))`,
});

const names = ["set", "get", "relay", "loop", "look", "peek", "who"];
const tools = names.map((name) => ({
  ...{ name, description: "Passes on", encoding: "text" },
  annotations: { readOnly: name === "look" || name === "peek" },
}));

/** Installs the guest under `local/<id>`, with what it asks for. */
export async function installKeeper(
  test: TestHost,
  id: string,
  uses: object = { kv: { quota: "1MiB", reason: "to keep" } },
  more: object = {},
): Promise<string> {
  const manifest = { provides: { tools }, uses, ...more };
  return (await installGuest(test, { id, module: keeper, manifest })).id;
}

/** An edge to a plugin, as a manifest asks for it; the alias is `it`. */
export function edgeTo(plugin: string, own: object = {}) {
  return [{ alias: "it", plugin, tools: names, reason: "to ask it", ...own }];
}

/** What a tool of the guest was told. */
export interface Told {
  readonly ok?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Calls a tool of the guest with a value as JSON text. */
export async function tell(
  test: TestHost,
  id: string,
  tool: string,
  value: unknown,
  caller: Caller = owner,
): Promise<Told> {
  const { value: told } = await invoke(test, id, tool, JSON.stringify(value), { caller });
  return told as Told;
}

/** Returns the input of `relay` that has the plugin at the other end do something. */
export function through(tool: string, value: unknown): object {
  return { tool: `it/${tool}`, input: JSON.stringify(value) };
}

/** Changes the grants of a plugin; what is undefined is taken away. */
export async function edit(
  { host }: TestHost,
  id: string,
  change: object,
  { by = owner, callers = [] }: { by?: Caller; callers?: readonly string[] } = {},
): Promise<void> {
  const { network, secrets, files, kv, tools: edges, revision } = host.grants.view(id);
  const all = { grants: 1, network, secrets, files, kv, tools: edges, ...change };
  const document = JSON.parse(JSON.stringify(all));
  await host.grants.edit(id, { document, revision, callers }, by);
}

/** The records of effects of one plugin, oldest first. */
export async function effectsOf(
  { host }: TestHost,
  plugin: string,
): Promise<readonly { readonly seq: number; readonly decision: string }[]> {
  const found: { seq: number; decision: string }[] = [];
  for (let before: number | undefined; ; before = found[0]?.seq) {
    const page = (await host.auditQuery({
      ...{ plugin, kind: "effect", limit: 1_000 },
      ...(before !== undefined && { before }),
    })) as typeof found;
    found.unshift(...page);
    if (page.length < 1_000) return found;
  }
}
