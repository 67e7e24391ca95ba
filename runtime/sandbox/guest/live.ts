import assert from "node:assert/strict";
import {
  type Exchange,
  fuelGrain,
  type Invoke,
  invokeFlag,
  lineBytesMax,
  writeExchange,
  writeNumbers,
  writeResult,
} from "../messages.ts";
import { type FrameWriter, frame } from "../wire.ts";
import type { CallPorts, Ended, Guest, Instance } from "./instance.ts";
import { CallFailure, type Tool } from "./tool.ts";

/** Longest message of a guest that is passed on, in characters. */
export const messageMax = 4_096;
/** Values above this are worth a look at the clock when they are checked. */
const timedBytes = 4_096;

/** One version of a plugin in a runner, with its tools in the order of their numbers. */
export interface Loaded {
  readonly guest: Guest;
  readonly tools: readonly Tool[];
}

/** What a call needs of the runner around it. */
export interface LivePorts {
  readonly writer: FrameWriter;
  /** Hears that a call is over; `alive` is whether its instance is good for another. */
  over(call: LiveCall, alive: boolean): void;
  /** Hears of a fault of the runner itself. */
  complain(error: unknown): void;
}

/** One call in a runner: what its guest asks and says meanwhile, and how it ends. */
export class LiveCall implements CallPorts {
  readonly invoke: Invoke;
  readonly #ports: LivePorts;
  #guest: Guest | undefined;
  #tool: Tool | undefined;
  #instance: Instance | undefined;
  #pending: Map<number, (answer: Exchange) => void> | undefined;
  #hostCalls = 0;
  #logBytes = 0;
  #isOpen = true;

  constructor(invoke: Invoke, ports: LivePorts) {
    this.invoke = invoke;
    this.#ports = ports;
  }

  /** False once its result was sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Returns what the guest reads, which may be the payload itself. @throws CallFailure */
  take({ guest, tools }: Loaded, payload: Buffer): Uint8Array {
    const tool = tools[this.invoke.tool];
    assert(tool);
    this.#guest = guest;
    this.#tool = tool;
    const raw = (this.invoke.flags & invokeFlag.rawInput) !== 0;
    if (payload.length < timedBytes) return tool.input(payload, raw);
    const startedAt = performance.now();
    try {
      return tool.input(payload, raw);
    } finally {
      guest.lane.spend(performance.now() - startedAt);
    }
  }

  /** Takes the instance that is being made for it, which ends when it does. */
  hold(instance: Instance): void {
    this.#instance = instance;
  }

  /** Runs on an instance until `deadlineAt` on the monotonic clock. */
  enter(instance: Instance, input: Uint8Array, deadlineAt: number): void {
    assert(this.#guest && this.#tool);
    this.#instance = instance;
    const { fuel } = this.invoke;
    instance.take(this.#tool.plan.export, input, { fuel, deadlineAt }, this);
    this.#guest.driver.enter(instance);
  }

  /** Ends it from outside, with a code of the error table. */
  cancel(code: string): void {
    if (this.#instance) this.#instance.end(code);
    else this.fail(new CallFailure(code));
  }

  ask(number: number, exchange: Exchange): Promise<Exchange> {
    const limit = this.#guest?.plan.limits.hostCalls ?? 0;
    // Ended before it asks: what is beyond the bound must have no effect.
    if (this.#hostCalls >= limit) {
      this.#instance?.end("HOST_CALLS_EXHAUSTED");
      return Promise.withResolvers<Exchange>().promise;
    }
    this.#hostCalls += 1;
    const request = this.#hostCalls;
    this.#pending ??= new Map();
    const pending = this.#pending;
    const { writer } = this.#ports;
    const { call } = this.invoke;
    const grains = Math.floor((this.#instance?.burnt ?? 0) / fuelGrain);
    return new Promise((resolve) => {
      pending.set(request, resolve);
      writeExchange(writer, frame.ask, call, request, number, exchange, grains);
    });
  }

  /** Hands an answer of the host to the guest, and charges what was burnt for it. */
  answer(request: number, grains: number, exchange: Exchange): void {
    const resolve = this.#pending?.get(request);
    this.#pending?.delete(request);
    this.#instance?.burn(grains * fuelGrain);
    resolve?.(exchange);
  }

  log(level: number, text: string): void {
    const room = (this.#guest?.plan.limits.logBytes ?? 0) - this.#logBytes;
    if (room <= 0) return;
    // Looked at as bytes: text in place of what was no UTF-8 is three times as long.
    const bytes = Buffer.from(text).subarray(0, Math.min(room, lineBytesMax));
    this.#logBytes += bytes.length + 1;
    writeNumbers(this.#ports.writer, frame.log, [this.invoke.call, level], bytes);
  }

  rest(resting: boolean): void {
    if (!this.#isOpen) return;
    writeNumbers(this.#ports.writer, frame.rest, [this.invoke.call, resting ? 1 : 0]);
  }

  ended(ended: Ended, fuel: number): void {
    try {
      assert(this.#guest && this.#tool);
      const tool = this.#tool;
      if (!ended.ok) {
        const message = ended.message.slice(0, messageMax);
        const limit = this.#guest.plan.limits.outputBytes;
        this.fail(new CallFailure(ended.code, { message, limit }), fuel);
        return;
      }
      const { output } = ended;
      const raw = (this.invoke.flags & invokeFlag.rawOutput) !== 0;
      const startedAt = output.length < timedBytes ? 0 : performance.now();
      const payload = tool.output(output, raw);
      if (startedAt > 0) this.#guest.lane.spend(performance.now() - startedAt);
      this.#finish(fuel, true, payload, raw);
    } catch (error) {
      this.fail(error, fuel);
    }
  }

  /** Ends it with a failure; what is none of ours is a fault of the runner. */
  fail(error: unknown, fuel = 0): void {
    const failure = error instanceof CallFailure ? error : new CallFailure("INTERNAL");
    if (failure !== error) this.#ports.complain(error);
    const { code, facts } = failure;
    this.#finish(fuel, false, Buffer.from(JSON.stringify({ code, facts })), false);
  }

  #finish(fuel: number, ok: boolean, payload: Uint8Array, raw: boolean): void {
    if (!this.#isOpen) return;
    const { call, flags } = this.invoke;
    const instance = this.#instance;
    const alive = instance?.alive === true && (flags & invokeFlag.discardAfter) === 0;
    const memoryBytes = instance?.memoryBytes ?? 0;
    const result = { call, ok, alive, raw, fuel, memoryBytes, hostCalls: this.#hostCalls };
    writeResult(this.#ports.writer, result, payload);
    this.#isOpen = false;
    if (!alive) instance?.forget();
    this.#ports.over(this, alive);
  }
}
