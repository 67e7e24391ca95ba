import { guest, userImport } from "./guests.ts";
import { edit } from "./granted.ts";
import { installGuest, type TestHost } from "./host.ts";

const functions = ["network_fetch", "secrets_get", "tools_call", "kv_get", "kv_set"];

/**
 * A guest whose tools hand their input to the function of that name and give the answer back; `say`
 * does that with a setting that its input names, `log` logs it, `fail` fails with it, and `shout` logs
 * what `secrets_get` answers.
 */
export const holder = guest({
  imports: functions.map(userImport).join("\n"),
  body: `${functions
    .map(
      (name) => `(func (export "${name}") (call $giveBack (call $${name} (call $input_offset))))`,
    )
    .join("\n")}
    (func (export "say") (call $giveBack (call $config_get (call $input_offset))))
    (func (export "log") (call $log_info (call $config_get (call $input_offset))) (call $ok))
    (func (export "fail") (result i32)
      (call $error_set (call $config_get (call $input_offset))) (i32.const 1))
    (func (export "shout") (call $log_info (call $secrets_get (call $input_offset))) (call $ok))`,
});

const names = [...functions, "say", "log", "fail", "shout"];

/** How a holder differs from one that asks for nothing. */
export interface HolderOptions {
  readonly network?: readonly object[];
  readonly secrets?: readonly object[];
  readonly uses?: object;
  readonly more?: object;
  /** The plugin's names of secrets → the operator's, with what else the grant says. */
  readonly granted?: Readonly<Record<string, object>>;
}

/** Installs a holder under `local/<id>`, with all but secrets granted, and those that are named. */
export async function installHolder(
  host: TestHost,
  id: string,
  { network = [], secrets = [], uses = {}, more = {}, granted = {} }: HolderOptions = {},
): Promise<string> {
  const reason = "test";
  const tools = names.map((name) => ({ name, description: "Passes on", encoding: "text" }));
  const asks = {
    network: network.map((ask) => ({ reason, ...ask })),
    secrets: secrets.map((ask) => ({ reason, ...ask })),
    ...uses,
  };
  const manifest = { provides: { tools }, uses: asks, ...more };
  const plugin = (await installGuest(host, { id, module: holder, manifest })).id;
  const grants = Object.entries(granted).map(([name, own]) => ({ name, mode: "inject", ...own }));
  if (grants.length > 0) await edit(host, plugin, { secrets: grants });
  return plugin;
}

/** A request to 127.0.0.1 as a manifest asks for it. */
export function loopback(port: number, own: object = {}): object {
  return { host: "127.0.0.1", scheme: "http", port, methods: ["GET", "POST"], ...own };
}
