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
@external("extism:host/user", "network_fetch")
declare function network_fetch(request: u64): u64;
@external("extism:host/user", "files_read")
declare function files_read(request: u64): u64;
@external("extism:host/user", "files_write")
declare function files_write(request: u64): u64;
@external("extism:host/user", "files_list")
declare function files_list(request: u64): u64;
@external("extism:host/user", "files_delete")
declare function files_delete(request: u64): u64;

/** What a host function answered: `ok`, or a `problem` to show to whoever called. */
export class Answer {
  /** What the host gave; null when it refused or failed. */
  ok: Json | null = null;
  /** `CODE: sentence` of the refusal; null when there is an answer. */
  problem: string | null = null;
  /** Handles of what came beside the JSON, in their order. */
  blocks: Array<u64> = [];
}

/** What another host answered to a request. */
export class Response {
  status: i32 = 0;
  /** The body, as far as it is text. */
  text: string = "";
  /** `CODE: sentence` when there was no response; null when there is one. */
  problem: string | null = null;
}

/** What a file holds. */
export class FileText {
  /** Null when it could not be read. */
  text: string | null = null;
  /** `CODE: sentence` when it could not be read; null when it was. */
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

/**
 * Sends one request: JSON text `{"url", "method", "headers", "body"}`. Any status is a response; a
 * problem is what the host or the network refused.
 */
export function fetchText(request: string): Response {
  const block = textBlock(`{"requests":[${request}]}`);
  const answer = answerOf(block, network_fetch(block));
  const response = new Response();
  response.problem = answer.problem;
  if (answer.ok === null) return response;
  const all = answer.ok!.get("responses");
  if (all === null || all.items.length != 1) response.problem = "the host gave no response";
  else readResponse(response, all.items[0], answer.blocks);
  return response;
}

function readResponse(response: Response, from: Json, blocks: Array<u64>): void {
  const status = from.get("status");
  if (status === null) {
    response.problem = problemOf(from.get("error"));
    return;
  }
  response.status = <i32>status.number;
  const body = from.textOf("body");
  const block = from.get("block");
  if (body !== null) response.text = body;
  else if (block !== null && <i32>block.number < blocks.length)
    response.text = takeText(blocks[<i32>block.number]);
}

/** Reads a file of at most 8 MiB as text, in a folder by its purpose in the manifest. */
export function readFile(folder: string, path: string): FileText {
  const request = textBlock(`{"folder":${quote(folder)},"path":${quote(path)}}`);
  const answer = answerOf(request, files_read(request));
  const file = new FileText();
  file.problem = answer.problem;
  if (answer.ok !== null) file.text = answer.blocks.length > 0 ? takeText(answer.blocks[0]) : "";
  return file;
}

/** Puts a text in the place of a file, or makes it: whole or not at all. */
export function writeFile(folder: string, path: string, text: string): Answer {
  const block = textBlock(text);
  // There is no block of no bytes.
  const blocks = block == 0 ? "" : `,"blocks":["${block}"]`;
  const request = textBlock(`{"folder":${quote(folder)},"path":${quote(path)}${blocks}}`);
  const answer = answerOf(request, files_write(request));
  if (block != 0) freeBlock(block);
  return answer;
}

/**
 * Lists a folder in the order of names: `ok.entries` has `name` and `kind`, and `ok.cursor` is what to
 * give as `after` for the next page, or null.
 */
export function listFiles(folder: string, path: string, after: string): Answer {
  const start = after.length > 0 ? `,"after":${quote(after)}` : "";
  const request = textBlock(
    `{"folder":${quote(folder)},"path":${quote(path)},"details":false,"limit":1000${start}}`,
  );
  return answerOf(request, files_list(request));
}

/** Deletes a file or an empty folder: `ok.deleted` says whether it was there. */
export function deleteFile(folder: string, path: string): Answer {
  const request = textBlock(`{"folder":${quote(folder)},"path":${quote(path)}}`);
  return answerOf(request, files_delete(request));
}

function answerOf(request: u64, response: u64): Answer {
  freeBlock(request);
  const answer = new Answer();
  const value = parse(takeText(response));
  if (value !== null) {
    answer.ok = value.get("ok");
    const handles = value.get("blocks");
    if (handles !== null) {
      for (let i = 0; i < handles.items.length; i++)
        answer.blocks.push(U64.parseInt(handles.items[i].text));
    }
  }
  if (answer.ok === null) answer.problem = problemOf(value === null ? null : value.get("error"));
  return answer;
}

function problemOf(error: Json | null): string {
  if (error === null || error.kind != Kind.Object) return "the host gave no answer";
  const code = error.textOf("code");
  const message = error.textOf("message");
  return (code === null ? "ERROR" : code) + (message === null ? "" : ": " + message);
}
