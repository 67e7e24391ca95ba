import { envModule, userModule, wasiModule } from "#plugin-sdk/abi.ts";
import { createEnv, type HttpAnswer } from "./env.ts";
import type { Fuel } from "./fuel.ts";
import type { CallPorts, Guest } from "./instance.ts";
import type { Kernel } from "./kernel.ts";
import { userFunction } from "./user.ts";
import { createVars } from "./vars.ts";
import { createWasi, type Wasi } from "./wasi.ts";

/** Bytes of host work for one unit of fuel. */
const bytesAUnit = 8;
/** Variables of one instance, in bytes: the Extism reference's own default. */
const varsBytesMax = 1024 * 1024;
/** How a plan names the function behind `http_request`. */
const httpRequestName = `${envModule}.http_request`;

/** What a guest's imports need of the instance around them. */
export interface ImportParts {
  readonly guest: Guest;
  readonly kernel: Kernel;
  readonly fuel: Fuel;
  /** The call that runs now, if any. */
  readonly ports: () => CallPorts | undefined;
  /** Takes a line of the guest: that of a call, or of the initialisation. */
  readonly log: (level: number, text: string) => void;
  /** Takes pages of the memory that the instance may have; false without room. */
  readonly reserve: (pages: number) => boolean;
  /** Hears the code of `proc_exit`, which ends the guest. */
  readonly onExit: (code: number) => void;
}

/** Returns the import object of one instance, without the metering, and its WASI when it has one. */
export function createImports(parts: ImportParts): {
  imports: Record<string, WebAssembly.ModuleImports>;
  wasi: Wasi | undefined;
} {
  const { guest, kernel, fuel } = parts;
  const modules = new Set(guest.imports.map(({ module }) => module));
  const imports: Record<string, WebAssembly.ModuleImports> = {};
  const door = doorPorts(fuel);
  // Whoever logs has charged for it, and so has heard whether the guest was ended.
  const { log } = parts;
  if (modules.has(envModule)) {
    imports[envModule] = createEnv(kernel, {
      ...door,
      config: guest.config,
      vars: createVars(varsBytesMax),
      logLevel: guest.plan.logLevel,
      log,
      httpRequest: (request, body) => httpRequest(parts, request, body),
    });
  }
  for (const { module, name } of guest.imports) {
    const number = guest.plan.functions.indexOf(`${module}.${name}`);
    if (number < 0 || module === envModule) continue;
    imports[module] ??= {};
    imports[module][name] = userFunction(kernel, door, (request) => ask(parts, number, request));
  }
  const wasi = modules.has(wasiModule) ? wasiOf(parts, log) : undefined;
  if (wasi) imports[wasiModule] = wasi.imports;
  return { imports, wasi };
}

function doorPorts(fuel: Fuel) {
  return {
    charge: (bytes: number) => {
      fuel.check();
      fuel.charge(bytes / bytesAUnit);
    },
    end: (code: string, message: string): never => fuel.die(code, message),
  };
}

function ask(parts: ImportParts, number: number, request: Parameters<CallPorts["ask"]>[1]) {
  const ports = parts.ports();
  if (ports === undefined) return Promise.resolve(notInACall);
  return parts.fuel.suspend(ports.ask(number, request));
}

const notInACall = {
  json: Buffer.from(
    '{"error":{"code":"NOT_IN_A_CALL","message":"host functions answer calls only"}}',
  ),
  blocks: [],
};

async function httpRequest(
  parts: ImportParts,
  request: Uint8Array,
  body: Uint8Array | undefined,
): Promise<HttpAnswer> {
  const number = parts.guest.plan.functions.indexOf(httpRequestName);
  const blocks = body === undefined ? [] : [body];
  const answer = await ask(parts, number, { json: request, blocks });
  const value = JSON.parse(Buffer.from(answer.json).toString()) as
    | { ok: Omit<HttpAnswer, "body"> }
    | { error: { code: string; message: string } };
  if ("error" in value) return endFor(parts, value.error);
  return { ...value.ok, body: answer.blocks[0] ?? new Uint8Array() };
}

/** The function has no place for an error: a refusal ends the call, and so does what went wrong. */
function endFor({ fuel }: ImportParts, { code, message }: { code: string; message: string }) {
  if (code === "CAPABILITY_DENIED" || code === "NOT_IN_A_CALL") return fuel.die(code, message);
  return fuel.die("HTTP_REQUEST_FAILED", `${code}: ${message}`);
}

/** Sleep that the host is told of, in milliseconds: whoever sleeps so long gives its place up. */
const longSleepMs = 100;

/** Waits on behalf of the guest; a guest that is ended meanwhile leaves no timer behind. */
async function sleep({ fuel, ports }: ImportParts, ms: number): Promise<void> {
  const told = ms < longSleepMs ? undefined : ports();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  told?.rest(true);
  try {
    await fuel.suspend(promise);
  } finally {
    clearTimeout(timer);
    told?.rest(false);
  }
}

function wasiOf(parts: ImportParts, log: (level: number, text: string) => void): Wasi {
  const { fuel } = parts;
  return createWasi({
    now: () => performance.now(),
    epochNow: () => performance.timeOrigin + performance.now(),
    random: (bytes) => crypto.getRandomValues(bytes),
    log,
    sleep: (ms) => sleep(parts, ms),
    exit: (code) => {
      parts.onExit(code);
      return fuel.die("EXITED", `exit code ${code}`);
    },
    charge: doorPorts(fuel).charge,
    folders: parts.guest.plan.folders,
    askFiles: (name, request) => askFiles(parts, name, request),
    reserve: parts.reserve,
    gate: parts.guest.gate && { ...parts.guest.gate, phase: fuel.phase },
  });
}

/** Asks by a function that the guest could import itself; outside a call there is nobody to ask. */
function askFiles(parts: ImportParts, name: string, request: Parameters<CallPorts["ask"]>[1]) {
  const number = parts.guest.plan.functions.indexOf(`${userModule}.${name}`);
  return number < 0 || parts.ports() === undefined ? undefined : ask(parts, number, request);
}
