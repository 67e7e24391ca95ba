import assert from "node:assert/strict";
import { wasiModule } from "#plugin-sdk/abi.ts";
import { type GuestPlan, type Invoke, invokeFlag, readExchange, readInvoke } from "../messages.ts";
import { writeNumbers } from "../messages.ts";
import { type FrameWriter, frame } from "../wire.ts";
import { createDeath } from "./death.ts";
import { Driver } from "./driver.ts";
import type { End } from "./fuel.ts";
import { type Guest, Instance } from "./instance.ts";
import { Kernels } from "./kernels.ts";
import { LiveCall, type LivePorts, type Loaded, messageMax } from "./live.ts";
import { CallFailure, createTool } from "./tool.ts";
import { type Lane, Turns } from "./turns.ts";
import { createGate, type Gate } from "./wasi/gate.ts";

/** The inside of a runner: takes the host's frames, runs guests, writes frames. */
export interface Runner {
  receive(type: number, body: Buffer): void;
  ready(): void;
}

/** Copying more than this takes a turn or longer, whatever it is. */
const heavyBytes = 256 * 1024;

/** Creates a runner that writes to `writer`, with the compiled kernel that all its guests share. */
export function createRunner(writer: FrameWriter, kernel: WebAssembly.Module): Runner {
  return new GuestRunner(writer, kernel);
}

class GuestRunner implements Runner, LivePorts {
  readonly writer: FrameWriter;
  readonly #kernels: Kernels;
  readonly #turns = new Turns();
  readonly #death = createDeath<End>();
  readonly #driver = new Driver();
  readonly #loading = new Map<number, Promise<Loaded>>();
  readonly #loaded = new Map<number, Loaded>();
  readonly #lanes = new Map<string, Lane>();
  readonly #instances = new Map<number, Instance>();
  readonly #live = new Map<number, LiveCall>();
  /** The host hears before, so that it does not take it for a guest that cannot be stopped. */
  readonly #onHeavy = (): void => {
    writeNumbers(this.writer, frame.busy, []);
    this.writer.flush();
  };

  constructor(writer: FrameWriter, kernel: WebAssembly.Module) {
    this.writer = writer;
    this.#kernels = new Kernels(kernel);
  }

  ready(): void {
    writeNumbers(this.writer, frame.ready, []);
  }

  receive(type: number, body: Buffer): void {
    if (body.length > heavyBytes) this.#onHeavy();
    switch (type) {
      case frame.invoke: {
        const { invoke, input } = readInvoke(body);
        this.#invoke(invoke, input);
        return;
      }
      case frame.answer:
        this.#answer(body);
        return;
      case frame.cancel:
        this.#live.get(body.readUInt32LE(0))?.cancel(body.toString("utf8", 4));
        return;
      case frame.load:
        this.#load(body);
        return;
      case frame.unload:
        this.#loading.delete(body.readUInt32LE(0));
        this.#loaded.delete(body.readUInt32LE(0));
        return;
      case frame.discard: {
        const number = body.readUInt32LE(0);
        this.#instances.get(number)?.forget();
        this.#instances.delete(number);
        return;
      }
      default:
        assert.fail(`frame of type ${type} from the host`);
    }
  }

  #load(body: Buffer): void {
    const module = body.readUInt32LE(0);
    const planEnd = 8 + body.readUInt32LE(4);
    const plan = JSON.parse(body.toString("utf8", 8, planEnd)) as GuestPlan;
    const loading = this.#compile(plan, body.subarray(planEnd));
    this.#loading.set(module, loading);
    loading.then(
      (loaded) => {
        if (this.#loading.has(module)) this.#loaded.set(module, loaded);
        writeNumbers(this.writer, frame.loaded, [module]);
      },
      (error: unknown) => {
        const reason = Buffer.from(String(error).slice(0, messageMax));
        writeNumbers(this.writer, frame.refused, [module], reason);
      },
    );
  }

  async #compile(plan: GuestPlan, bytes: Buffer): Promise<Loaded> {
    const module = await WebAssembly.compile(bytes as Buffer<ArrayBuffer>);
    let lane = this.#lanes.get(plan.plugin);
    if (lane === undefined) {
      lane = this.#turns.lane();
      this.#lanes.set(plan.plugin, lane);
    }
    const imports = WebAssembly.Module.imports(module);
    const guest: Guest = {
      plan,
      module,
      kernels: this.#kernels,
      death: this.#death,
      driver: this.#driver,
      lane,
      imports,
      config: new Map(Object.entries(plan.config)),
      gate: gateOf(plan, imports),
    };
    return { guest, tools: plan.tools.map((tool) => createTool(tool, this.#onHeavy)) };
  }

  #invoke(invoke: Invoke, payload: Buffer): void {
    const deadlineAt = performance.now() + invoke.deadlineMs;
    const live = new LiveCall(invoke, this);
    this.#live.set(invoke.call, live);
    try {
      const loaded = this.#loaded.get(invoke.module);
      const instance = this.#instances.get(invoke.instance);
      // The usual case: an instance that is there.
      if (loaded && instance) {
        live.enter(instance, live.take(loaded, payload), deadlineAt);
        return;
      }
    } catch (error) {
      live.fail(error);
      return;
    }
    // The payload is good only until this returns.
    this.#prepared(live, Buffer.from(payload), deadlineAt).catch((error) => live.fail(error));
  }

  async #prepared(live: LiveCall, payload: Buffer, deadlineAt: number): Promise<void> {
    const { invoke } = live;
    const loaded = this.#loaded.get(invoke.module) ?? (await this.#waitFor(invoke));
    const input = live.take(loaded, payload);
    const { guest } = loaded;
    if (!guest.lane.free) await new Promise<void>((go) => guest.lane.wait(go));
    // A call that is over starts nothing, and what it has started ends with it.
    if (!live.isOpen) return;
    const instance = await started(guest, live);
    if (!live.isOpen) return;
    if ((invoke.flags & invokeFlag.discardAfter) === 0) {
      this.#instances.set(invoke.instance, instance);
    }
    live.enter(instance, input, deadlineAt);
  }

  #waitFor(invoke: Invoke): Promise<Loaded> {
    const loading = this.#loading.get(invoke.module);
    assert(loading, "a call for a module that was never loaded");
    return loading;
  }

  #answer(body: Buffer): void {
    const read = readExchange(body);
    assert(read, "an answer of the host that does not add up");
    this.#live.get(read.call)?.answer(read.request, read.number, read.exchange);
  }

  over(live: LiveCall, alive: boolean): void {
    this.#live.delete(live.invoke.call);
    if (!alive) this.#instances.delete(live.invoke.instance);
  }

  complain(error: unknown): void {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  }
}

function gateOf(
  { folders }: GuestPlan,
  imports: readonly WebAssembly.ModuleImportDescriptor[],
): Gate | undefined {
  const names = imports.filter(({ module }) => module === wasiModule).map(({ name }) => name);
  return folders.length > 0 && names.length > 0 ? createGate(names) : undefined;
}

/** Makes an instance for a call, ready to be entered. @throws CallFailure INIT_FAILED */
async function started(guest: Guest, live: LiveCall): Promise<Instance> {
  try {
    const instance = new Instance(guest);
    live.hold(instance);
    await instance.initialise();
    return instance;
  } catch (error) {
    const reason =
      guest.death.reasonOf(error)?.message ?? (error instanceof Error ? error.message : "");
    throw new CallFailure("INIT_FAILED", { message: reason.slice(0, messageMax) });
  }
}
