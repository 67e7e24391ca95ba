import { envelope } from "#plugin-sdk/abi.ts";
import { Door, type DoorPorts } from "./door.ts";
import type { Kernel } from "./kernel.ts";
import { toText } from "./text.ts";

/** A request or an answer of a function of `extism:host/user`. */
export interface Message {
  /** UTF-8 JSON, an object; of a request: untrusted, at most 1 MiB, not yet checked. */
  readonly json: Uint8Array;
  /** The bytes that travel beside it, in the order of its member `blocks`. */
  readonly blocks: readonly Uint8Array[];
}

/** Asks the host; a rejection ends the call for that reason. */
export type Ask = (request: Message) => Promise<Message>;

/** Why a request cannot be asked, in words for the guest's author. */
type Refusal = string;

/**
 * Returns a function of `extism:host/user`: one handle in, a handle of a new block out, never the
 * same. A request that is out of bounds is answered to the guest and not asked.
 *
 * Everything is read once, into memory of the host, before it is looked at.
 */
export function userFunction(kernel: Kernel, ports: DoorPorts, ask: Ask): WebAssembly.ExportValue {
  const door = new Door(kernel, ports);
  return new WebAssembly.Suspending(async (handle: bigint): Promise<bigint> => {
    const request = readRequest(door, handle);
    if (typeof request === "string") return door.give(refusal(request));
    const answer = await door.wait(() => ask(request));
    return giveAnswer(door, answer);
  });
}

function readRequest(door: Door, handle: bigint): Message | Refusal {
  const length = door.kernel.length(handle);
  if (length === 0) return "the argument is not the handle of a block";
  if (length > envelope.jsonBytesMax)
    return `the JSON is ${length} bytes, at most ${envelope.jsonBytesMax} are allowed`;
  const json = door.take(handle, "request", envelope.jsonBytesMax);
  const handles = handlesIn(json);
  if (typeof handles === "string") return handles;
  return readBlocks(door, json, handles);
}

function readBlocks(door: Door, json: Uint8Array, handles: readonly bigint[]): Message | Refusal {
  let bytes = 0;
  for (const handle of handles) {
    const length = door.kernel.length(handle);
    if (length === 0) return `${handle} is not the handle of a block`;
    bytes += length;
  }
  if (bytes > envelope.blockBytesMax)
    return `the blocks are ${bytes} bytes, at most ${envelope.blockBytesMax} are allowed`;
  return {
    json,
    blocks: handles.map((handle) => door.take(handle, "block", envelope.blockBytesMax)),
  };
}

/**
 * The handles in the member `blocks` of an object, none without one.
 *
 * JSON that does not hold the word is not parsed here: one that spells it with escapes then comes
 * to the host without bytes, and is refused there. So is one that is no JSON.
 */
function handlesIn(json: Uint8Array): readonly bigint[] | Refusal {
  if (!Buffer.from(json.buffer, json.byteOffset, json.length).includes('"blocks"')) return [];
  const blocks = blocksMember(json);
  if (blocks === undefined) return [];
  if (!Array.isArray(blocks) || blocks.length > envelope.blocksMax)
    return `\`blocks\` must be a list of at most ${envelope.blocksMax} handles`;
  const handles = blocks.map(toHandle);
  return handles.every((handle) => handle !== undefined)
    ? handles
    : "a handle in `blocks` must be a decimal string or a safe integer";
}

function blocksMember(json: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(toText(json));
    const isObject = typeof value === "object" && value !== null && Object.hasOwn(value, "blocks");
    return isObject ? (value as { blocks: unknown }).blocks : undefined;
  } catch {
    return undefined; // The host refuses what is no JSON, with its place.
  }
}

function toHandle(value: unknown): bigint | undefined {
  if (typeof value === "string" && /^[0-9]{1,19}$/.test(value)) return BigInt(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  return undefined;
}

function refusal(message: Refusal): Uint8Array {
  return Buffer.from(JSON.stringify({ error: { code: "REQUEST_INVALID", message } }));
}

/** Blocks first: their handles stand in the JSON that is allocated last. */
function giveAnswer(door: Door, { json, blocks }: Message): bigint {
  if (blocks.length === 0) return door.give(json);
  const handles = blocks.map((bytes) => String(door.give(bytes)));
  return door.give(withBlocks(json, handles));
}

/** A JSON object with the member `blocks` set before its others; the host wrote it without one. */
function withBlocks(json: Uint8Array, handles: readonly string[]): Uint8Array {
  const start = json.indexOf(0x7b) + 1;
  const rest = json.subarray(start);
  const isEmpty = /^\s*\}/.test(Buffer.from(rest.subarray(0, 64)).toString("latin1"));
  const member = `{"blocks":${JSON.stringify(handles)}${isEmpty ? "" : ","}`;
  return Buffer.concat([Buffer.from(member), rest]);
}
