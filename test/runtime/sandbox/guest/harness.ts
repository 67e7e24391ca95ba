import { readFile } from "node:fs/promises";
import { createDeath } from "#runtime/sandbox/guest/death.ts";
import { createEnv, type EnvPorts, type HttpAnswer } from "#runtime/sandbox/guest/env.ts";
import { createKernel, type Kernel, kernelModule } from "#runtime/sandbox/guest/kernel.ts";
import { outcomeOf } from "#runtime/sandbox/guest/lifecycle.ts";
import { type Ask, userFunction } from "#runtime/sandbox/guest/user.ts";
import { createVars } from "#runtime/sandbox/guest/vars.ts";
import { wat } from "#test/support/wat.ts";

/** Why the host ended a guest. */
export interface End {
  readonly code: string;
  readonly message: string;
}

/** What a guest is surrounded with; everything else answers nothing. */
export interface Around {
  readonly config?: Readonly<Record<string, string>>;
  readonly logLevel?: number;
  readonly varsBytesMax?: number;
  readonly pagesMax?: number;
  http?(request: string, body: string | undefined): Promise<HttpAnswer>;
  readonly user?: Readonly<Record<string, Ask>>;
}

/** How a call ended: output, or an error with its words, or what a trap or the host said. */
export type Ended =
  | { readonly output: Buffer }
  | { readonly code: string; readonly message: string };

/** One unmetered guest, with what it logged and what was charged to it. */
export interface TestGuest {
  readonly kernel: Kernel;
  readonly logs: readonly (readonly [level: number, text: string])[];
  readonly chargedBytes: () => number;
  call(name: string, input?: Uint8Array | string): Promise<Ended>;
}

/** Returns the kernel of this checkout, assembled anew, so that no test sees an old one. */
export async function testKernel(): Promise<WebAssembly.Module> {
  const url = new URL("../../../../runtime/sandbox/guest/kernel.wat", import.meta.url);
  return kernelModule((await wat(await readFile(url, "utf8"))) as Uint8Array<ArrayBuffer>);
}

/** Returns a guest written as a text, instantiated over `extism:host/env` and `extism:host/user`. */
export async function testGuest(
  module: WebAssembly.Module,
  text: string,
  around: Around = {},
): Promise<TestGuest> {
  const death = createDeath<End>();
  let pages = 1;
  let charged = 0;
  const logs: [number, string][] = [];
  const kernel = createKernel(module, {
    grow(more) {
      pages += more;
      if (pages <= (around.pagesMax ?? 8192)) return true;
      pages -= more;
      return false;
    },
  });
  const ports: EnvPorts = {
    config: new Map(Object.entries(around.config ?? {})),
    vars: createVars(around.varsBytesMax ?? 1024 * 1024),
    logLevel: around.logLevel ?? 0,
    log: (level, line) => logs.push([level, line]),
    charge(bytes) {
      charged += bytes;
    },
    end(code, message) {
      throw death.error({ code, message });
    },
    async httpRequest(request, body) {
      const text = body === undefined ? undefined : Buffer.from(body).toString();
      const answer = await around.http?.(Buffer.from(request).toString(), text);
      return answer ?? { status: 204, body: new Uint8Array() };
    },
  };
  const user = Object.entries(around.user ?? {}).map(
    ([name, ask]) => [name, userFunction(kernel, ports, ask)] as const,
  );
  const imports = {
    "extism:host/env": createEnv(kernel, ports),
    "extism:host/user": Object.fromEntries(user),
  };
  const bytes = (await wat(text)) as Uint8Array<ArrayBuffer>;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return {
    kernel,
    logs,
    chargedBytes: () => charged,
    async call(name, input = "") {
      kernel.reset();
      kernel.setInput(Buffer.from(input));
      let trap: unknown;
      let returned: unknown;
      try {
        returned = await WebAssembly.promising(exports[name] as WebAssembly.ExportValue)();
      } catch (error) {
        trap = error;
      }
      const end = death.reasonOf(trap);
      if (end !== undefined) return end;
      const outcome = outcomeOf({ returned, trap, error: kernel.error() });
      return outcome.ok ? { output: Buffer.from(kernel.output()) } : outcome;
    },
  };
}
