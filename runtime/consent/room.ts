import { HostError } from "#manifests/errors.ts";
import type { Caller } from "../keys.ts";
import type { RequestRecord } from "../store/requests.ts";

/** Requests of programs that wait, and as many of the home's owner: more than a person reads. */
const waitingMax = 64;
/** Of one owner of keys, so that no program takes the place of all others. */
const waitingOfOneMax = 16;
/** Bytes of all packages that wait. */
const waitingBytesMax = 512 * 2 ** 20;

/**
 * Passes when there is room for one more request. What programs fill is not the room of the person at
 * the terminal.
 *
 * @throws REQUESTS_FULL
 */
export function checkRoom(
  records: Iterable<RequestRecord>,
  { kind, owner }: Caller,
  bytes: number,
): void {
  const isOwner = kind === "owner";
  const waiting = [...records].filter(({ askedBy }) => (askedBy.kind === "owner") === isOwner);
  const own = waiting.filter(({ askedBy }) => askedBy.owner === owner).length;
  const held = waiting.reduce((sum, record) => sum + record.bytes, bytes);
  if (waiting.length >= waitingMax || held > waitingBytesMax)
    throw new HostError("REQUESTS_FULL", { limit: waitingMax });
  if (!isOwner && own >= waitingOfOneMax)
    throw new HostError("REQUESTS_FULL", { limit: waitingOfOneMax });
}
