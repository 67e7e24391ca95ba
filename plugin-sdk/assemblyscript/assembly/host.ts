// The host functions of the capabilities: JSON in, `{"ok": …}` or `{"error": {"code", "message"}}` out.
//
// A plugin imports only those it calls, and each needs its line under `uses` in manifest.json.

import { freeBlock, takeText, textBlock } from "./pdk";
import { Json, Kind, parse, quote } from "./json";

@external("extism:host/user", "tools_call")
declare function tools_call(request: u64): u64;
@external("extism:host/user", "kv_get")
declare function kv_get(request: u64): u64;
@external("extism:host/user", "kv_set")
declare function kv_set(request: u64): u64;
@external("extism:host/user", "kv_delete")
declare function kv_delete(request: u64): u64;
@external("extism:host/user", "kv_list")
declare function kv_list(request: u64): u64;

/** What a host function answered: `ok`, or a `problem` to show to whoever called. */
export class Answer {
  /** What the host gave; null when it refused or failed. */
  ok: Json | null = null;
  /** `CODE: sentence` of the refusal; null when there is an answer. */
  problem: string | null = null;
}

/** Calls another plugin's tool by its alias under `uses.tools`; `input` is JSON text. */
export function callTool(alias: string, input: string): Answer {
  const request = textBlock(`{"tool":${quote(alias)},"input":${input}}`);
  return answerOf(request, tools_call(request));
}

/** Reads a value: `ok.value` is a string, or null when there is none. */
export function kvGet(key: string): Answer {
  const request = textBlock(`{"key":${quote(key)}}`);
  return answerOf(request, kv_get(request));
}

/** Writes a value. */
export function kvSet(key: string, value: string): Answer {
  const request = textBlock(`{"key":${quote(key)},"value":${quote(value)}}`);
  return answerOf(request, kv_set(request));
}

/** Removes a value; it is no error that there is none. */
export function kvDelete(key: string): Answer {
  const request = textBlock(`{"key":${quote(key)}}`);
  return answerOf(request, kv_delete(request));
}

/** Lists keys: `ok.keys` is an array of those that begin with the prefix. */
export function kvList(prefix: string): Answer {
  const request = textBlock(`{"prefix":${quote(prefix)}}`);
  return answerOf(request, kv_list(request));
}

function answerOf(request: u64, response: u64): Answer {
  freeBlock(request);
  const answer = new Answer();
  const value = parse(takeText(response));
  if (value !== null) answer.ok = value.get("ok");
  if (answer.ok === null) answer.problem = problemOf(value === null ? null : value.get("error"));
  return answer;
}

function problemOf(error: Json | null): string {
  if (error === null || error.kind != Kind.Object) return "the host gave no answer";
  const code = error.textOf("code");
  const message = error.textOf("message");
  return (code === null ? "ERROR" : code) + (message === null ? "" : ": " + message);
}
