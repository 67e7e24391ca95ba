import assert from "node:assert/strict";
import {
  type Exchange,
  type GuestPlan,
  type Invoke,
  fuelGrain,
  invokeFlag,
  readExchange,
  readInvoke,
  writeExchange,
  writeNumbers,
  writeResult,
} from "../messages.ts";
import { type FrameWriter, frame } from "../wire.ts";
import { createDeath } from "./death.ts";
import { type CallPorts, type Ended, type Guest, Instance } from "./instance.ts";
import type { End } from "./fuel.ts";
import { CallFailure, createTool, type Tool } from "./tool.ts";
import { type Lane, Turns } from "./turns.ts";

/** The inside of a runner: takes the host's frames, runs guests, writes frames. */
export interface Runner {
  receive(type: number, body: Buffer): void;
  ready(): void;
}

interface Loaded {
  readonly guest: Guest;
  readonly tools: readonly Tool[];
}

interface Live {
  readonly invoke: Invoke;
  readonly pending: Map<number, (answer: Exchange) => void>;
  instance: Instance | undefined;
  hostCalls: number;
  logBytes: number;
}

/** Longest message of a guest that is passed on, in characters. */
const messageMax = 4_096;
/** Inputs above this are worth a look at the clock when they are checked. */
const timedInputBytes = 4_096;

/** Creates a runner that writes to `writer`, with the compiled kernel that all its guests share. */
export function createRunner(writer: FrameWriter, kernel: WebAssembly.Module): Runner {
  return new GuestRunner(writer, kernel);
}

class GuestRunner implements Runner {
  readonly #writer: FrameWriter;
  readonly #kernel: WebAssembly.Module;
  readonly #turns = new Turns();
  readonly #death = createDeath<End>();
  readonly #loading = new Map<number, Promise<Loaded>>();
  readonly #loaded = new Map<number, Loaded>();
  readonly #lanes = new Map<string, Lane>();
  readonly #instances = new Map<number, Instance>();
  readonly #live = new Map<number, Live>();

  constructor(writer: FrameWriter, kernel: WebAssembly.Module) {
    this.#writer = writer;
    this.#kernel = kernel;
  }

  ready(): void {
    writeNumbers(this.#writer, frame.ready, []);
  }

  receive(type: number, body: Buffer): void {
    switch (type) {
      case frame.invoke: {
        const { invoke, input } = readInvoke(body);
        void this.#invoke(invoke, input);
        return;
      }
      case frame.answer:
        this.#answer(body);
        return;
      case frame.cancel:
        this.#cancel(body.readUInt32LE(0), body.toString("utf8", 4));
        return;
      case frame.load:
        this.#load(body);
        return;
      case frame.unload:
        this.#loading.delete(body.readUInt32LE(0));
        this.#loaded.delete(body.readUInt32LE(0));
        return;
      case frame.discard:
        this.#instances.delete(body.readUInt32LE(0));
        return;
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
        writeNumbers(this.#writer, frame.loaded, [module]);
      },
      (error: unknown) => {
        const reason = Buffer.from(String(error).slice(0, messageMax));
        writeNumbers(this.#writer, frame.refused, [module], reason);
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
      kernelModule: this.#kernel,
      death: this.#death,
      lane,
      imports,
      config: new Map(Object.entries(plan.config)),
    };
    return { guest, tools: plan.tools.map(createTool) };
  }

  async #invoke(invoke: Invoke, payload: Buffer): Promise<void> {
    const live: Live = {
      invoke,
      pending: new Map(),
      instance: undefined,
      hostCalls: 0,
      logBytes: 0,
    };
    this.#live.set(invoke.call, live);
    const deadlineAt = performance.now() + invoke.deadlineMs;
    try {
      const { guest, tools } = this.#loaded.get(invoke.module) ?? (await this.#waitFor(invoke));
      const tool = tools[invoke.tool];
      assert(tool);
      const input = inputOf(guest.lane, tool, payload, invoke.flags);
      const instance = await this.#instanceFor(guest, invoke);
      if (!this.#live.has(invoke.call)) return;
      live.instance = instance;
      const turn = instance.turn();
      if (turn) await turn;
      if (!this.#live.has(invoke.call)) return;
      const ports = this.#portsOf(live, guest.plan);
      const name = tool.plan.export;
      const { ended, fuel } = await instance.call(name, input, invoke.fuel, deadlineAt, ports);
      this.#answerCall(live, tool, guest.plan, ended, fuel);
    } catch (error) {
      this.#fail(live, error);
    }
  }

  #waitFor(invoke: Invoke): Promise<Loaded> {
    const loading = this.#loading.get(invoke.module);
    assert(loading, "a call for a module that was never loaded");
    return loading;
  }

  async #instanceFor(guest: Guest, invoke: Invoke): Promise<Instance> {
    const known = this.#instances.get(invoke.instance);
    if (known) return known;
    const turn = guest.lane.free ? undefined : new Promise<void>((go) => guest.lane.wait(go));
    if (turn) await turn;
    const instance = await created(guest);
    if ((invoke.flags & invokeFlag.discardAfter) === 0) {
      this.#instances.set(invoke.instance, instance);
    }
    return instance;
  }

  #portsOf(live: Live, plan: GuestPlan): CallPorts {
    const { call } = live.invoke;
    return {
      ask: (number, exchange) => {
        live.hostCalls += 1;
        if (live.hostCalls > plan.limits.hostCalls) live.instance?.end("HOST_CALLS_EXHAUSTED");
        const request = live.hostCalls;
        return new Promise((resolve) => {
          live.pending.set(request, resolve);
          writeExchange(this.#writer, frame.ask, call, request, number, exchange);
        });
      },
      log: (level, text) => {
        const room = plan.limits.logBytes - live.logBytes;
        if (room <= 0) return;
        const bytes = Buffer.from(text).subarray(0, room);
        live.logBytes += bytes.length + 1;
        writeNumbers(this.#writer, frame.log, [call, level], bytes);
      },
    };
  }

  #answer(body: Buffer): void {
    const read = readExchange(body);
    assert(read, "an answer of the host that does not add up");
    const live = this.#live.get(read.call);
    const resolve = live?.pending.get(read.request);
    live?.pending.delete(read.request);
    live?.instance?.burn(read.number * fuelGrain);
    resolve?.(read.exchange);
  }

  #cancel(call: number, code: string): void {
    const live = this.#live.get(call);
    if (live === undefined) return;
    if (live.instance) live.instance.end(code);
    else this.#fail(live, new CallFailure(code));
  }

  #answerCall(live: Live, tool: Tool, plan: GuestPlan, ended: Ended, fuel: number): void {
    const raw = (live.invoke.flags & invokeFlag.rawOutput) !== 0;
    try {
      if (!ended.ok) {
        const message = ended.message.slice(0, messageMax);
        throw new CallFailure(ended.code, { message, limit: plan.limits.outputBytes });
      }
      this.#finish(live, fuel, true, tool.output(ended.output, raw), raw);
    } catch (error) {
      this.#fail(live, error, fuel);
    }
  }

  #fail(live: Live, error: unknown, fuel = 0): void {
    const failure = error instanceof CallFailure ? error : new CallFailure("INTERNAL");
    if (failure !== error)
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    const { code, facts } = failure;
    this.#finish(live, fuel, false, Buffer.from(JSON.stringify({ code, facts })), false);
  }

  #finish(live: Live, fuel: number, ok: boolean, payload: Uint8Array, raw: boolean): void {
    const { call, instance: number, flags } = live.invoke;
    if (!this.#live.delete(call)) return;
    const { instance } = live;
    const alive = instance?.alive === true && (flags & invokeFlag.discardAfter) === 0;
    if (!alive) this.#instances.delete(number);
    const memoryBytes = instance?.memoryBytes ?? 0;
    const result = { call, ok, alive, raw, fuel, memoryBytes, hostCalls: live.hostCalls };
    writeResult(this.#writer, result, payload);
  }
}

function inputOf(lane: Lane, tool: Tool, payload: Buffer, flags: number): Uint8Array {
  const raw = (flags & invokeFlag.rawInput) !== 0;
  if (payload.length < timedInputBytes) return tool.input(payload, raw);
  const startedAt = performance.now();
  const input = tool.input(payload, raw);
  lane.spend(performance.now() - startedAt);
  return input;
}

async function created(guest: Guest): Promise<Instance> {
  try {
    return await Instance.create(guest);
  } catch (error) {
    const reason =
      guest.death.reasonOf(error)?.message ?? (error instanceof Error ? error.message : "");
    throw new CallFailure("INIT_FAILED", { message: reason.slice(0, messageMax) });
  }
}
