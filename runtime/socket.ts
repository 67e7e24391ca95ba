import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What macOS has for the path of a socket, less the zero at its end; Linux has four bytes more. */
const pathBytesMax = 103;

/**
 * Returns where the host of a home listens for its owner.
 *
 * That is inside the home, unless the path would be longer than a socket's may be: then it is a
 * folder of the machine's temporary folder, named after the home.
 *
 * @param home  absolute path
 */
export function socketPathOf(home: string): string {
  const inside = join(home, "run", "host.sock");
  if (Buffer.byteLength(inside) <= pathBytesMax) return inside;
  const name = createHash("sha256").update(home).digest("hex").slice(0, 16);
  const folder = `convergio-${process.getuid?.() ?? 0}-${name}`;
  const outside = join(tmpdir(), folder, "host.sock");
  return Buffer.byteLength(outside) <= pathBytesMax ? outside : join("/tmp", folder, "host.sock");
}
