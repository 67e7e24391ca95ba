import assert from "node:assert/strict";
import { HostError } from "#manifests/errors.ts";
import { parsePluginReference } from "#manifests/names.ts";
import type { Admission } from "./admission.ts";
import { askerOf } from "./asker.ts";
import type { Audit } from "./audit.ts";
import type { CallSecrets } from "./call-secrets.ts";
import type { CallAnswer, CallParts, CallRequest, LogLevel, Ticket, Usage } from "./call.ts";
import {
  askedTooOften,
  asStopped,
  callerKey,
  checkCaller,
  checkEnds,
  type LeftOver,
  leftOf,
  lineageOf,
  mayAsk,
  mayRunAgain,
  maySee,
  ofCall,
  type OpenCall,
  toolOf,
} from "./call-rules.ts";
import { toAuditEntry, toLiveCall, toUsage } from "./call-views.ts";
import { failureOf } from "./failure.ts";
import type { Asker } from "./capabilities/capability.ts";
import type { Clock } from "./clock.ts";
import type { GuestLogs } from "./guest-logs.ts";
import type { LiveCall } from "./host.ts";
import type { Active, Shelf } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { Metrics } from "./metrics.ts";
import { fuelGrain } from "./sandbox/messages.ts";
import type { Outcome, WorkPorts } from "./sandbox/runner.ts";
import type { Seat } from "./sandbox/seat.ts";

/** Longest chain of plugins that call each other; a longer one is a loop. */
const depthMax = 8;
const levels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

/** What the calls of a host share. */
export interface CallsParts {
  readonly clock: Clock;
  readonly shelf: Shelf;
  readonly admission: Admission;
  readonly audit: Audit;
  readonly logs: GuestLogs;
  readonly metrics: Metrics;
  readonly secrets: CallSecrets;
}

/** The calls of one host: the steps of `call()`, and the list of those that are live. */
export class Calls implements CallParts {
  readonly #parts: CallsParts;
  readonly #open = new Map<string, OpenCall>();
  #next = 0;
  readonly #prefix: string;

  constructor(parts: CallsParts) {
    this.#parts = parts;
    this.#prefix = Buffer.from(parts.clock.random(9)).toString("base64url");
  }

  get size(): number {
    return this.#open.size;
  }

  open(request: CallRequest): OpenCall {
    this.#next += 1;
    const call: OpenCall = {
      callId: `${this.#prefix}-${this.#next.toString(36)}`,
      request,
      startedAt: this.#parts.clock.monotonic(),
      abort: new AbortController(),
      over: undefined,
      isOver: false,
      plugin: undefined,
      tool: request.tool ?? "",
      state: "queued",
      runningSince: 0,
      deadlineAt: 0,
      fuelLimit: 0,
      childFuel: 0,
      hasChildren: false,
      asked: 0,
      burnt: 0,
      bytesTaken: 0,
      hasWritten: false,
      leave: undefined,
      isStopped: false,
    };
    this.#open.set(call.callId, call);
    return call;
  }

  pluginFor(ticket: Ticket): Active {
    const call = ticket as OpenCall;
    const reference = parsePluginReference(call.request.plugin);
    checkCaller(call.request, reference.id);
    const plugin = this.#parts.shelf.callable(reference);
    call.plugin = plugin;
    call.tool = toolOf(plugin, call.request.tool);
    return plugin;
  }

  /** @throws INPUT_TOO_LARGE, DEPTH_EXCEEDED, CALL_CANCELLED */
  admit(ticket: Ticket, plugin: Active): void {
    const call = ticket as OpenCall;
    const { input, parent, signal } = call.request;
    const { inputBytes, fuel } = plugin.limits;
    const bytes = "json" in input ? Buffer.byteLength(input.json) : input.bytes.length;
    const id = plugin.version.plugin;
    if (bytes > inputBytes)
      throw new HostError("INPUT_TOO_LARGE", { plugin: id, limit: inputBytes });
    if (parent && parent.depth >= depthMax) {
      throw new HostError("DEPTH_EXCEEDED", { plugin: id, depth: depthMax });
    }
    call.fuelLimit = Math.min(fuel, parent?.fuelLeft ?? fuel);
    call.leave = this.#parts.admission.enter(call.request.caller, parent !== undefined);
    if (signal?.aborted) throw new HostError("CALL_CANCELLED", { plugin: id });
    signal?.addEventListener("abort", () => call.abort.abort(), { once: true });
  }

  acquire(ticket: Ticket, plugin: Active): Seat | Promise<Seat> {
    const { request, abort } = ticket as OpenCall;
    return plugin.pool.acquire(callerKey(request), abort.signal);
  }

  async run(ticket: Ticket, plugin: Active, seat: Seat): Promise<Outcome> {
    const call = ticket as OpenCall;
    this.#begin(call, plugin);
    const outcome = await this.#runOn(seat, call, plugin);
    if (!mayRunAgain(call, outcome)) return outcome;
    // Its instance is gone with the runner, and its place is needed for the second try.
    seat[Symbol.dispose]();
    using next = await this.#acquireAgain(call, plugin);
    // Awaited here: the seat is given back only when the second try is over.
    return next === undefined ? outcome : await this.#runOn(next, call, plugin);
  }

  async #acquireAgain(call: OpenCall, { pool }: Active): Promise<Seat | undefined> {
    try {
      return await pool.acquire(callerKey(call.request), call.abort.signal);
    } catch {
      return undefined; // That the runner died is what the caller hears then.
    }
  }

  /** From here on its time runs. */
  #begin(call: OpenCall, plugin: Active): void {
    const now = this.#parts.clock.monotonic();
    const { timeoutMs } = plugin.limits;
    const parentMs = (call.request.parent?.deadlineAt ?? Number.POSITIVE_INFINITY) - now;
    const deadlineMs = Math.max(0, Math.min(timeoutMs, parentMs));
    call.state = "running";
    call.runningSince = now;
    call.deadlineAt = now + deadlineMs;
  }

  #runOn(seat: Seat, call: OpenCall, plugin: Active): Promise<Outcome> {
    const { input } = call.request;
    const rawInput = "bytes" in input;
    return seat.run({
      tool: plugin.tools.get(call.tool)?.index ?? 0,
      input: rawInput ? input.bytes : Buffer.from(input.json),
      rawInput,
      rawOutput: rawInput,
      deadlineMs: Math.max(0, call.deadlineAt - this.#parts.clock.monotonic()),
      fuel: call.fuelLimit,
      ports: this.#portsOf(call, plugin),
      signal: call.abort.signal,
    });
  }

  async account(ticket: Ticket, plugin: Active, told: Outcome): Promise<CallAnswer> {
    const call = ticket as OpenCall;
    const asker = () => askerOf(call, plugin);
    const outcome = this.#parts.secrets.outcome(call.callId, asker, told);
    const usage = toUsage(call, outcome, this.#parts.clock.monotonic());
    const limitMs = call.deadlineAt - call.runningSince;
    const failure = outcome.ok
      ? undefined
      : asStopped(call, failureOf(plugin, limitMs, outcome.payload));
    this.#close(call, failure?.code, usage);
    await this.#parts.audit.committed();
    if (failure) throw failure;
    const { plugin: id, version } = plugin.version;
    const output = { encoding: outcome.raw ? "bytes" : "json", bytes: outcome.payload } as const;
    return { callId: call.callId, plugin: id, version, tool: call.tool, output, usage };
  }

  async refuse(ticket: Ticket, thrown: unknown): Promise<unknown> {
    const call = ticket as OpenCall;
    // What a guest says before it is called may hold its settings.
    const told = this.#parts.secrets.failure(call.plugin?.version, thrown);
    const error = told instanceof HostError ? asStopped(call, told) : told;
    if (this.#open.has(call.callId)) {
      const code = error instanceof HostError ? error.code : "INTERNAL";
      this.#close(call, code, { fuel: 0, wallMs: 0, memoryBytes: 0, hostCalls: 0 });
      await this.#parts.audit.committed();
    }
    return error instanceof HostError ? ofCall(call, error) : error;
  }

  /** Calls as the caller may see them: those of its own key, or all with the scope `logs`. */
  list(caller: Caller): readonly LiveCall[] {
    const { clock } = this.#parts;
    return [...this.#open.values()]
      .filter((call) => maySee(caller, call))
      .map((call) => toLiveCall(call, clock));
  }

  /** Ends a call. @throws CALL_NOT_FOUND, SCOPE_MISSING */
  cancel(callId: string, by: Caller): void {
    checkEnds(by, callId, this.#open.get(callId)).abort.abort();
  }

  /** Ends the calls of one plugin. */
  cancelAll(plugin: string): void {
    for (const call of this.#open.values()) {
      if (call.plugin?.version.plugin === plugin) call.abort.abort();
    }
  }

  /** Ends all calls with HOST_STOPPING. */
  stopAll(): void {
    for (const call of this.#open.values()) {
      call.isStopped = true;
      call.abort.abort();
    }
  }

  /** Returns what is left to a call that this one makes. @throws CALL_NOT_FOUND */
  parentOf(callId: string): LeftOver {
    const call = this.#open.get(callId);
    if (call === undefined) throw new HostError("CALL_NOT_FOUND", { call: callId });
    call.hasChildren = true;
    return leftOf(call);
  }

  /** Returns on whose behalf the guest of a call asks; from here on it may. */
  askerFor(call: OpenCall, plugin: Active): Asker {
    return this.#parts.secrets.begin(askerOf(call, plugin), () => lineageOf(call, this.#open));
  }

  #portsOf(call: OpenCall, plugin: Active): WorkPorts {
    const id = plugin.version.plugin;
    const asker = this.askerFor(call, plugin);
    return {
      ask: async (number, exchange, burnt) => {
        const before = call.childFuel;
        call.burnt = Math.max(call.burnt, burnt);
        const linked = plugin.functions[number];
        assert(linked);
        if (!mayAsk(call, this.#open)) return askedTooOften(id);
        if (!linked.reads) call.hasWritten = true;
        const answer = await linked.guarded(asker, exchange);
        return { ...answer, fuel: Math.ceil((call.childFuel - before) / fuelGrain) };
      },
      log: (level, said) => {
        const name = levels[level] ?? "error";
        const text = this.#parts.secrets.line(asker, said);
        this.#parts.logs.write(id, { callId: call.callId, level: name, text });
        call.request.onEvent?.({ kind: "log", level: name, text });
      },
    };
  }

  /** Takes the call off the list, and books and audits it once. */
  #close(call: OpenCall, code: string | undefined, usage: Usage): void {
    if (!this.#open.delete(call.callId)) return;
    this.#parts.secrets.end(call.callId);
    call.leave?.();
    call.isOver = true;
    call.over?.abort();
    // What was asked on behalf of a call ends with it.
    if (call.hasChildren) call.abort.abort();
    const { parent, caller } = call.request;
    const above = parent && this.#open.get(parent.callId);
    if (above) above.childFuel += usage.fuel;
    // What its children burnt is booked already.
    const fuel = Math.max(0, usage.fuel - call.childFuel);
    this.#parts.admission.burn(caller, fuel);
    const version = call.plugin?.version;
    if (version) {
      const { wallMs } = usage;
      // A tool that is not there has a name that its caller made up.
      const tool = call.plugin?.tools.has(call.tool) ? call.tool : "other";
      const outcome = code ?? "ok";
      this.#parts.metrics.call({ plugin: version.plugin, tool, outcome, wallMs, fuel });
    }
    this.#parts.audit.append(toAuditEntry(call, code, usage));
  }
}
