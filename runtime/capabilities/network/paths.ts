/**
 * What servers may read as a separator or a step upwards although URLs do not: encoded slashes and
 * zeros, what becomes something else when it is decoded twice, and dots with parameters behind them.
 */
const ambiguous = /%(?:2f|5c|00|25[0-9a-f]{2})|(?:^|\/)\.{1,2}(?:;|%3b)|\\/i;

/** Characters that mean the same encoded or not. @see https://www.rfc-editor.org/rfc/rfc3986#section-2.3 */
const unreserved = /^[A-Za-z0-9._~-]$/;

/** Returns a path with every octet in the one form that it is compared in. */
export function normalPath(path: string): string {
  return path.replace(/%[0-9a-fA-F]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.test(character) ? character : triplet.toUpperCase();
  });
}

/**
 * Returns what tells whether a path lies under a prefix, segment by segment: `/v1` covers `/v1` and
 * `/v1/a`, and not `/v10`; `/v1/` covers only what is below. A path that servers read in different
 * ways lies under no prefix but `/`.
 *
 * @param prefix  of a grant; one that is not in its normal form covers nothing
 */
export function pathUnder(prefix: string): (path: string) => boolean {
  if (prefix === "/") return () => true;
  const isPlain = !ambiguous.test(prefix) && new URL(prefix, "https://a").pathname === prefix;
  if (!isPlain) return () => false;
  const normal = normalPath(prefix);
  const below = normal.endsWith("/") ? normal : `${normal}/`;
  return (path) => {
    const found = path.includes("%") ? normalPath(path) : path;
    if (ambiguous.test(found)) return false;
    return found === normal || found.startsWith(below);
  };
}
