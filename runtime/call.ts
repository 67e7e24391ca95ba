import type { Outcome } from "./sandbox/runner.ts";
import type { Seat } from "./sandbox/seat.ts";
import type { Active } from "./installed.ts";
import type { Caller } from "./keys.ts";

/** What a client asked, as it came off the wire: only the caller has been checked. */
export interface CallRequest {
  readonly caller: Caller;
  /** An id or `id@version`; untrusted. */
  readonly plugin: string;
  /** The tool's name; may be left out when the plugin has one tool only; untrusted. */
  readonly tool: string | undefined;
  /** What the tool gets: JSON text, or raw bytes for a tool with the encoding `bytes`; untrusted. */
  readonly input: { readonly json: string } | { readonly bytes: Uint8Array };
  /** Ends the call when it fires: the client went away, or a person cancelled. */
  readonly signal?: AbortSignal;
  /** Hears what the call says while it runs. */
  readonly onEvent?: (event: CallEvent) => void;
  /** Number of the request that brought the call, for logs and audit. */
  readonly requestId?: string;
  /** The call on whose behalf this one is made, when a plugin calls another. */
  readonly parent?: ParentCall;
}

/** What is left to a nested call of the budget of the call that makes it. */
export interface ParentCall {
  readonly callId: string;
  readonly depth: number;
  readonly deadlineAt: number;
  readonly fuelLeft: number;
  /** Plugin ids from the outermost call inwards. */
  readonly chain: readonly string[];
  /** The outermost call, as something that all calls made of it share. */
  readonly outermost?: object;
}

/** Something a running call says. */
export type CallEvent =
  | { readonly kind: "log"; readonly level: LogLevel; readonly text: string }
  | { readonly kind: "progress"; readonly text: string };

/** How grave a guest says a line is. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** What a call cost. */
export interface Usage {
  /** Units of about one instruction. */
  readonly fuel: number;
  /** Milliseconds from leaving the queue to the answer. */
  readonly wallMs: number;
  /** Bytes of guest and kernel memory at the end. */
  readonly memoryBytes: number;
  readonly hostCalls: number;
}

/** What a plugin answered. */
export interface CallAnswer {
  readonly callId: string;
  readonly plugin: string;
  readonly version: string;
  readonly tool: string;
  /** JSON text in UTF-8, or the raw bytes of a tool with the encoding `bytes`. */
  readonly output: { readonly encoding: "json" | "bytes"; readonly bytes: Uint8Array };
  readonly usage: Usage;
}

/** A call from its first moment to its last: its number, its budget, and who may end it. */
export interface Ticket {
  readonly callId: string;
  readonly request: CallRequest;
}

/** The parts of the host that a call passes through, each built once. */
export interface CallParts {
  /** Gives the call its number. */
  open(request: CallRequest): Ticket;
  /** @throws PLUGIN_NOT_FOUND, VERSION_NOT_FOUND, PLUGIN_INACTIVE, TOOL_NOT_FOUND, SCOPE_MISSING */
  pluginFor(ticket: Ticket): Active;
  /** @throws HOST_STOPPING, CALLER_BUSY, CALLER_FUEL, INPUT_TOO_LARGE, DEPTH_EXCEEDED */
  admit(ticket: Ticket, plugin: Active): void;
  /** @throws CALLER_QUEUE_FULL, QUEUE_FULL, QUEUE_TIMEOUT, CALL_CANCELLED, INIT_FAILED */
  acquire(ticket: Ticket, plugin: Active): Seat | Promise<Seat>;
  /** Checks the input, calls the tool, checks the output: all in the runner. */
  run(ticket: Ticket, plugin: Active, seat: Seat): Promise<Outcome>;
  /** Books and audits what the call came to. @throws the code of a call that failed */
  account(ticket: Ticket, plugin: Active, outcome: Outcome): Promise<CallAnswer>;
  /** Books and audits a call that came to nothing. Returns what is to be thrown. */
  refuse(ticket: Ticket, error: unknown): Promise<unknown>;
}

/**
 * Calls a plugin once. Each line is a step: it throws, or hands on what the next may trust.
 *
 * @returns what the plugin answered, once the record of it is committed
 */
export async function call(parts: CallParts, request: CallRequest): Promise<CallAnswer> {
  const ticket = parts.open(request);
  try {
    const plugin = parts.pluginFor(ticket);
    parts.admit(ticket, plugin);
    using seat = await parts.acquire(ticket, plugin);
    const outcome = await parts.run(ticket, plugin, seat);
    return await parts.account(ticket, plugin, outcome);
  } catch (error) {
    throw await parts.refuse(ticket, error);
  }
}
