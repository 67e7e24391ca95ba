import { networkInterfaces } from "node:os";
import { type Address, embeddedIn, kindOf, parseAddress } from "./addresses.ts";

/** Where this host listens: no request of a guest may come in there, whatever was granted. */
export class OwnDoors {
  readonly #ports = new Set<number>();

  /** Says that the host listens on a port, until disposed. */
  add(port: number): Disposable {
    this.#ports.add(port);
    return { [Symbol.dispose]: () => void this.#ports.delete(port) };
  }

  /** Returns whether an address and a port are those of a door of this host. */
  has(text: string, port: number): boolean {
    if (!this.#ports.has(port)) return false;
    const address = parseAddress(text);
    if (address === undefined) return true;
    const meant = embeddedIn(address) ?? address;
    const kind = kindOf(meant);
    return kind === "loopback" || kind === "unspecified" || isOfThisMachine(meant);
  }
}

/** Asked anew each time: machines come into networks and leave them. */
function isOfThisMachine({ version, value }: Address): boolean {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.some(({ address }) => {
    const own = parseAddress(address);
    return own?.version === version && own.value === value;
  });
}
