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
  /** W3C trace context of the request, passed to logs and to nested calls. */
  readonly traceId?: string;
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
