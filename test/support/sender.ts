import { guest, userImport } from "./guests.ts";
import { installGuest, invoke, type TestHost } from "./host.ts";
import { jsonTools } from "./relay.ts";

/** Functions of the network that guests of tests hand their input to. */
const functions = ["network_fetch", "network_open", "network_read", "network_close"];

const copied = `(func $copied (result i64)
  (local $block i64) (local $index i64)
  (local.set $block (call $alloc (call $input_length)))
  (loop $next (if (i64.lt_u (local.get $index) (call $input_length)) (then
    (call $store_u8 (i64.add (local.get $block) (local.get $index))
      (call $load_u8 (i64.add (call $input_offset) (local.get $index))))
    (local.set $index (i64.add (local.get $index) (i64.const 1)))
    (br $next))))
  (local.get $block))`;

/**
 * A guest whose tools `network_…` hand their input to the function of that name and give the answer
 * back; `plain` hands it to `http_request` and gives the body, `status` the last digit of the status,
 * `headers` the headers.
 */
export const sender = guest({
  imports: [
    ...functions.map(userImport),
    '(import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))',
    '(import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))',
    '(import "extism:host/env" "http_headers" (func $http_headers (result i64)))',
  ].join("\n"),
  data: "0123456789",
  body: `${copied}
    ${functions
      .map((name) => `(func (export "${name}") (call $giveBack (call $${name} (call $copied))))`)
      .join("\n")}
    (func (export "plain") (call $giveBack (call $http_request (call $copied) (i64.const 0))))
    (func (export "status")
      (drop (call $http_request (call $copied) (i64.const 0)))
      (call $say (i32.add (i32.const 1024)
        (i32.rem_u (call $http_status_code) (i32.const 10))) (i32.const 1)))
    (func (export "headers")
      (drop (call $http_request (call $copied) (i64.const 0)))
      (call $giveBack (call $http_headers)))`,
});

/** Installs the sender, with what it asks of the network granted. */
export async function installSender(
  host: TestHost,
  network: readonly object[],
  id = "sender",
): Promise<void> {
  await installGuest(host, {
    id,
    module: sender,
    manifest: {
      provides: jsonTools(...functions, "plain", "status", "headers"),
      uses: { network: network.map((ask) => ({ reason: "test", ...ask })) },
    },
  });
}

/** Asks by one of the sender's tools, and returns what the guest got. */
export async function asked(
  host: TestHost,
  tool: string,
  request: unknown,
  id = "sender",
): Promise<unknown> {
  return (await invoke(host, id, tool, request)).value;
}
