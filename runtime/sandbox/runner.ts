import {
  fuelGrain,
  type GuestPlan,
  lineBytesMax,
  readExchange,
  readResult,
  writeExchange,
  writeInvoke,
  writeNumbers,
} from "./messages.ts";
import { type ThreadState, threadState } from "./caps.ts";
import { Peer, type PeerEnd, type StartProcess } from "./peer.ts";
import { FrameError, frame } from "./wire.ts";
import { failure, Live, type Outcome, type Work } from "./work.ts";

export type { Outcome, Work, WorkPorts } from "./work.ts";

/** How often deadlines are looked at, in milliseconds. */
const sweepMs = 5;
/** Sweeps that a runner has to answer a cancelled call in: 50 ms of a host that is not late itself. */
const sweepsMax = 10;
/**
 * What it must have used of the processor by then, in milliseconds, or have slept for thrice as many
 * sweeps: a runner that the machine gave no time is not one that hangs. Two seconds end its excuses.
 */
const usedMsMax = 40;
const asleepFactor = 3;
const excusesFactor = 40;
/** A sweep later than this says that the machine is busy, and proves nothing against the runner. */
const lateMs = 25;
/**
 * How long a runner may have no time for anything else, in milliseconds, when it says so before: it
 * checks one value, and no guest runs meanwhile.
 */
const busyMs = 1_000;
/**
 * What a sweep counts while it is busy or bytes are on their way: the news that a call is over may
 * stand behind long inputs, its end behind a long output. None of it stretches 50 ms beyond 2 s.
 */
const busySweep = 1 / 40;
/** Longest reason for which a module may be refused, in bytes. */
const reasonBytesMax = 64 * 1024;

/** Why a runner ended. */
export interface RunnerEnd extends PeerEnd {
  /** Modules of the calls that may have been on the processor. */
  readonly suspects: ReadonlySet<number>;
}

/** One runner process as the host sees it: it believes nothing but what its own table of live calls says. */
export class Runner {
  readonly #peer: Peer;
  readonly #live = new Map<number, Live>();
  readonly #loading = new Map<number, PromiseWithResolvers<void>>();
  readonly #loaded = new Map<number, Promise<void>>();
  readonly #onEnd: (end: RunnerEnd) => void;
  #nextCall = 1;
  #sweeper: NodeJS.Timeout | undefined;
  #sweptAt = 0;
  #busyUntil = 0;
  /** Instances that live in it, as the pools count them. */
  instances = 0;
  /** Those of them whose state later calls are promised. */
  singles = 0;

  constructor(start: StartProcess, onEnd: (end: RunnerEnd) => void) {
    this.#onEnd = onEnd;
    this.#peer = new Peer(start, {
      onFrame: (type, body) => this.#receive(type, body),
      onEnd: (end) => this.#ended(end),
    });
  }

  /** Resolves when it can take calls; rejects when it ended before. */
  get started(): Promise<void> {
    return this.#peer.started;
  }

  get pid(): number | undefined {
    return this.#peer.pid;
  }

  /** Whether somebody needs it now: it starts, has calls, or a module is on its way. */
  get busy(): boolean {
    return !this.#peer.isReady || this.#live.size > 0 || this.#loading.size > 0;
  }

  /** True from the moment that its end is decided; its calls are settled when it is gone. */
  get ended(): boolean {
    return this.#peer.ended;
  }

  /** Loads a module under a number; later loads of the same number are the first one's. */
  load(module: number, plan: GuestPlan, bytes: Uint8Array): Promise<void> {
    const known = this.#loaded.get(module);
    if (known) return known;
    if (this.ended) return Promise.reject(new Error("it has ended"));
    const loading = Promise.withResolvers<void>();
    const { promise } = loading;
    this.#loading.set(module, loading);
    this.#loaded.set(module, promise);
    promise.catch(() => this.#loaded.delete(module));
    const json = Buffer.from(JSON.stringify(plan));
    const { writer } = this.#peer;
    writeNumbers(writer, frame.load, [module, json.length], Buffer.concat([json, bytes]));
    return promise;
  }

  /** Forgets a module; calls in flight finish. */
  unload(module: number): void {
    if (this.#loaded.delete(module)) writeNumbers(this.#peer.writer, frame.unload, [module]);
  }

  /** Drops an instance that is not in a call. */
  discard(instance: number): void {
    writeNumbers(this.#peer.writer, frame.discard, [instance]);
  }

  /** Runs a call. Never rejects: how it ended is its outcome. `onCall` gets the number to cancel it by. */
  run(work: Work, onCall: (call: number) => void): Promise<Outcome> {
    return new Promise((settle) => {
      if (this.ended) {
        settle(failure("RUNNER_DIED"));
        return;
      }
      const call = this.#nextCall;
      this.#nextCall = (call + 1) >>> 0 || 1;
      const deadlineAt = performance.now() + work.invoke.deadlineMs;
      this.#live.set(call, new Live(work, deadlineAt, settle));
      writeInvoke(this.#peer.writer, call, work.invoke, work.input);
      onCall(call);
      if (this.#sweeper === undefined) this.#watch();
    });
  }

  /**
   * Ends a call: its authority is gone at once, whatever the runner says later. It is over when the
   * runner says what it burnt, or is killed because it does not.
   */
  cancel(call: number, code: string): void {
    const live = this.#live.get(call);
    if (live === undefined || live.ended !== undefined) return;
    live.ended = code;
    live.waitNoMore();
    writeNumbers(this.#peer.writer, frame.cancel, [call], Buffer.from(code));
    this.#peer.writer.flush();
  }

  /** Ends the process for what it did, and every call in it. */
  readonly kill = (reason: string): void => this.#peer.kill(reason);

  /** Ends the process, which nobody needs any more. */
  readonly stop = (reason: string): void => this.#peer.stop(reason);

  #ended(end: PeerEnd): void {
    clearInterval(this.#sweeper);
    const suspects = new Set<number>();
    for (const live of this.#live.values()) {
      const diedWaiting = live.open > 0;
      if (!diedWaiting) suspects.add(live.work.invoke.module);
      const died = { ...failure("RUNNER_DIED"), diedWaiting };
      live.settle(live.ended ? failure(live.ended) : died);
    }
    this.#live.clear();
    for (const { reject } of this.#loading.values()) reject(new Error(end.reason));
    this.#loading.clear();
    this.#onEnd({ ...end, suspects });
  }

  #watch(): void {
    this.#sweptAt = performance.now();
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
  }

  #sweep(): void {
    const now = performance.now();
    const late = now - this.#sweptAt > lateMs;
    this.#sweptAt = now;
    const isTalking = this.#peer.isTalking;
    const sweep = isTalking || now < this.#busyUntil ? busySweep : 1;
    for (const [call, live] of this.#live) {
      if (live.ended === undefined && now >= live.deadlineAt)
        this.cancel(call, "DEADLINE_EXCEEDED");
      else if (live.ended !== undefined && !late) {
        if (live.closing === 0) live.usedMs = this.#threadState()?.usedMs ?? 0;
        live.closing += sweep;
      }
      if (live.closing > sweepsMax && this.#hangs(live)) {
        this.kill("it did not end a call that was over");
        return;
      }
    }
    if (this.#live.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #threadState(): ThreadState | undefined {
    return this.pid === undefined ? undefined : threadState(this.pid);
  }

  /** Whether it had the time to end a call and did not. */
  #hangs({ closing, usedMs }: Live): boolean {
    const state = this.#threadState();
    if (state === undefined || closing > sweepsMax * excusesFactor) return true;
    if (state.isAsleep) return closing > sweepsMax * asleepFactor;
    return state.usedMs - usedMs >= usedMsMax;
  }

  #receive(type: number, body: Buffer): void {
    switch (type) {
      case frame.busy:
        this.#busyUntil = performance.now() + busyMs;
        return;
      case frame.result:
        this.#result(body);
        return;
      case frame.ask:
        this.#ask(body);
        return;
      case frame.rest:
        this.#rest(body);
        return;
      case frame.log:
        this.#log(body);
        return;
      case frame.loaded:
      case frame.refused:
        this.#settleLoad(type === frame.loaded, body);
        return;
      case frame.ready:
        this.#peer.ready();
        return;
      default:
        throw new FrameError(`it sent a frame of type ${type}`);
    }
  }

  #settleLoad(ok: boolean, body: Buffer): void {
    const module = body.length < 4 ? -1 : body.readUInt32LE(0);
    const loading = this.#loading.get(module);
    if (loading === undefined) throw new FrameError("it answered a load that nobody asked for");
    this.#loading.delete(module);
    if (ok) loading.resolve();
    else loading.reject(new Error(body.toString("utf8", 4, reasonBytesMax)));
  }

  #result(body: Buffer): void {
    const read = readResult(body);
    const live = read && this.#live.get(read.call);
    if (!read || !live) throw new FrameError("it ended a call that was not live");
    this.#live.delete(read.call);
    const { fuel, memoryBytes, hostCalls } = read;
    // What the host has ended stays ended, also when the answer was on its way.
    if (live.ended) live.settle({ ...failure(live.ended), fuel, memoryBytes, hostCalls });
    else live.settle(read);
  }

  #log(body: Buffer): void {
    const live = body.length < 8 ? undefined : this.#live.get(body.readUInt32LE(0));
    const level = live ? body.readUInt32LE(4) : 5;
    if (!live || level > 4 || body.length > lineBytesMax + 8) {
      throw new FrameError("it logged for a call that was not live");
    }
    live.logged += body.length - 8 + 1;
    if (live.logged > live.work.limits.logBytes + 1) throw new FrameError("it logged too much");
    if (live.ended === undefined) live.work.ports.log(level, body.toString("utf8", 8));
  }

  #rest(body: Buffer): void {
    const live = body.length === 8 ? this.#live.get(body.readUInt32LE(0)) : undefined;
    if (!live) throw new FrameError("it rested for a call that was not live");
    if (live.ended === undefined) live.rest(body.readUInt32LE(4) === 1);
  }

  #ask(body: Buffer): void {
    const read = readExchange(body);
    const live = read && this.#live.get(read.call);
    if (!read || !live) throw new FrameError("it asked for a call that was not live");
    if (read.request !== live.asked + 1 || read.number >= live.work.functionCount) {
      throw new FrameError("it asked out of order");
    }
    live.asked += 1;
    if (live.asked > live.work.limits.hostCalls) throw new FrameError("it asked too often");
    // The host ended the call while the question was on its way: nobody may be answered any more.
    if (live.ended !== undefined) return;
    live.wait(1);
    const burnt = read.burntGrains * fuelGrain;
    void live.work.ports.ask(read.number, read.exchange, burnt).then((answer) => {
      if (this.#live.get(read.call) !== live || live.ended !== undefined) return;
      live.wait(-1);
      const { fuel = 0 } = answer;
      writeExchange(this.#peer.writer, frame.answer, read.call, read.request, fuel, answer);
    });
  }
}
