import { envelope, logLevels } from "#plugin-sdk/abi.ts";
import { Door, type DoorPorts } from "./door.ts";
import type { Kernel } from "./kernel.ts";
import { glanceBytes } from "./price.ts";
import { toText } from "./text.ts";
import type { Vars } from "./vars.ts";

/** What an HTTP request of a guest came to; 4xx and 5xx are answers like others. */
export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; without it the guest sees no headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What the built-in functions do outside the guest. */
export interface EnvPorts extends DoorPorts {
  readonly config: ReadonlyMap<string, string>;
  readonly vars: Vars;
  /** The lowest level that is logged, of `logLevels`. */
  readonly logLevel: number;
  /** Takes a line of the guest: untrusted, at most 64 KiB; the caller bounds the sum. */
  log(level: number, text: string): void;
  /**
   * Answers a request: `{url, method?, headers?}` as JSON (untrusted, at most 1 MiB) and its body.
   * A rejection ends the call for that reason: this function has no place for an error.
   */
  httpRequest(request: Uint8Array, body: Uint8Array | undefined): Promise<HttpAnswer>;
}

/** No key of a configuration or a variable is as long; a longer one is simply not there. */
const keyBytesMax = 1024 * 1024;

/** Longest line of a log; the rest of a longer one is dropped. */
const lineBytesMax = 64 * 1024;

/**
 * Returns the whole import object `extism:host/env` of one instance: the kernel's functions as they
 * are, wasm to wasm, and the others around them. All but `http_request` never wait.
 *
 * Blocks that a guest hands over are freed after the answer was allocated, never before: a guest
 * that frees its key once more, as some kits do, would else free the answer.
 */
export function createEnv(kernel: Kernel, ports: EnvPorts): WebAssembly.ModuleImports {
  const door = new Door(kernel, ports);
  return {
    ...kernel.guest,
    ...configFunctions(door, ports),
    ...varFunctions(door, ports),
    ...httpFunctions(door, ports),
    ...logFunctions(door, ports),
  };
}

function configFunctions(door: Door, { config }: EnvPorts): WebAssembly.ModuleImports {
  return {
    config_get(key: bigint): bigint {
      const value = config.get(door.takeText(key, "config key", keyBytesMax));
      const handle = value === undefined ? 0n : door.give(Buffer.from(value));
      door.kernel.free(key);
      return handle;
    },
  };
}

function varFunctions(door: Door, { vars, end }: EnvPorts): WebAssembly.ModuleImports {
  return {
    var_get(key: bigint): bigint {
      const value = vars.get(door.takeText(key, "var key", keyBytesMax));
      const handle = value === undefined ? 0n : door.give(value);
      door.kernel.free(key);
      return handle;
    },
    var_set(key: bigint, value: bigint): void {
      if (vars.bytesMax === 0) end("PLUGIN_TRAPPED", "Vars are disabled");
      const name = door.takeText(key, "var key", keyBytesMax);
      if (value === 0n) vars.delete(name);
      else {
        const full = door.lengthOf(value, "var value") > vars.bytesMax;
        if (full || !vars.set(name, door.take(value, "var value", vars.bytesMax)))
          end("PLUGIN_TRAPPED", "Variable store is full");
      }
      door.kernel.free(key);
      door.kernel.free(value);
    },
  };
}

function httpFunctions(door: Door, ports: EnvPorts): WebAssembly.ModuleImports {
  let last: Omit<HttpAnswer, "body"> | undefined;
  return {
    http_request: new WebAssembly.Suspending(
      async (request: bigint, body: bigint): Promise<bigint> => {
        last = undefined;
        const asked = takeRequest(door, request, body);
        const answer = await door.wait(() => ports.httpRequest(asked.json, asked.body));
        last = answer;
        const handle = door.give(answer.body);
        door.kernel.free(request);
        door.kernel.free(body);
        return handle;
      },
    ),
    http_status_code: (): number => last?.status ?? 0,
    http_headers(): bigint {
      if (last?.headers === undefined) return 0n;
      return door.give(Buffer.from(JSON.stringify(last.headers)));
    },
  };
}

function takeRequest(
  door: Door,
  request: bigint,
  body: bigint,
): { json: Uint8Array; body: Uint8Array | undefined } {
  for (const [handle, what, bytesMax] of [
    [request, "http request", envelope.jsonBytesMax],
    [body, "http request body", envelope.blockBytesMax],
  ] as const)
    if (handle !== 0n && door.lengthOf(handle, what) > bytesMax)
      door.ports.end("PLUGIN_TRAPPED", `${what} is longer than ${bytesMax} bytes`);
  return {
    json: door.take(request, "http request", envelope.jsonBytesMax),
    body: body === 0n ? undefined : door.take(body, "http request body", envelope.blockBytesMax),
  };
}

function logFunctions(door: Door, ports: EnvPorts): WebAssembly.ModuleImports {
  const logAt = (level: number) => (handle: bigint) => {
    if (level < ports.logLevel) ports.charge(glanceBytes);
    else ports.log(level, toText(door.take(handle, "log message", lineBytesMax)));
    door.kernel.free(handle);
  };
  return {
    log_trace: logAt(logLevels.trace),
    log_debug: logAt(logLevels.debug),
    log_info: logAt(logLevels.info),
    log_warn: logAt(logLevels.warn),
    log_error: logAt(logLevels.error),
    get_log_level: (): number => ports.logLevel,
  };
}
