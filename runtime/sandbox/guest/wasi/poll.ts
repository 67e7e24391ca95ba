import { callBytes, glanceBytes } from "../price.ts";
import { type Clocks, clockTime } from "./clocks.ts";
import { type Errno, errno } from "./errno.ts";
import type { GuestMemory } from "./memory.ts";

/** What waiting needs. */
export interface PollPorts extends Clocks {
  /** Takes fuel for bytes that are moved on behalf of the guest; may end it. */
  charge(bytes: number): void;
  /** Waits so many milliseconds, or less when the call ends meanwhile. */
  sleep(ms: number): Promise<void>;
}

/** Far more than a loop of any library waits for at once. */
const subscriptionsMax = 1024;

/** A day: longer than any call lives, and within what a timer can count. */
const sleepMsMax = 24 * 60 * 60 * 1000;

const subscriptionBytes = 48;
const eventBytes = 32;
const tag = { clock: 0, read: 1, write: 2 } as const;
/** eventrwflags: the peer has hung up, which is how standard input always is. */
const hangup = 1;

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  readonly error: Errno;
  /** Milliseconds from now until it happens, at least 0. */
  readonly waitMs: number;
}

/**
 * Returns `poll_oneoff`, which suspends the guest until the earliest of its clocks; the standard
 * streams are always ready.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#poll_oneoff
 */
export function createPoll(memory: GuestMemory, ports: PollPorts): WebAssembly.ExportValue {
  return new WebAssembly.Suspending(
    async (from: number, to: number, count: number, stored: number): Promise<Errno> => {
      if (count === 0 || count >>> 0 > subscriptionsMax) return errno.inval;
      if (!memory.has(from, count * subscriptionBytes)) return errno.fault;
      if (!memory.has(to, count * eventBytes) || !memory.has(stored, 4)) return errno.fault;
      ports.charge(callBytes + count * glanceBytes);
      const subscriptions = Array.from({ length: count }, (_, index) =>
        readSubscription(memory, ports, (from >>> 0) + index * subscriptionBytes),
      );
      const waitMs = Math.min(...subscriptions.map((each) => each.waitMs));
      if (waitMs > 0) await ports.sleep(Math.min(waitMs, sleepMsMax));
      const happened = subscriptions.filter((each) => each.waitMs <= waitMs);
      for (const [index, each] of happened.entries())
        writeEvent(memory, (to >>> 0) + index * eventBytes, each);
      return memory.setU32(stored, happened.length) ? errno.success : errno.fault;
    },
  );
}

function readSubscription(memory: GuestMemory, clocks: Clocks, at: number): Subscription {
  const userdata = memory.u64(at);
  const type = memory.u8(at + 8);
  const id = memory.u32(at + 16);
  if (type === tag.clock) {
    const now = clockTime(clocks, id);
    if (now === undefined) return { userdata, type, error: errno.inval, waitMs: 0 };
    const isAbsolute = (memory.u16(at + 40) & 1) === 1;
    const wait = memory.u64(at + 24) - (isAbsolute ? now : 0n);
    const waitMs = Math.max(0, Number(wait) / 1e6);
    return { userdata, type, error: errno.success, waitMs };
  }
  const isStream = type === tag.read ? id === 0 : type === tag.write && (id === 1 || id === 2);
  return { userdata, type, error: isStream ? errno.success : errno.badf, waitMs: 0 };
}

function writeEvent(memory: GuestMemory, at: number, event: Subscription): void {
  memory.setU64(at, event.userdata);
  memory.setU64(at + 8, BigInt(event.error | (event.type << 16)));
  memory.setU64(at + 16, 0n);
  memory.setU64(at + 24, event.type === tag.read ? BigInt(hangup) : 0n);
}
