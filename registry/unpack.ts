import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { gunzip } from "./gzip.ts";
import { packageLimits } from "./limits.ts";
import { checkPath, createPathSet } from "./paths.ts";

const blockBytes = 512;
/** Where the fields of a header are that mean something here. */
const field = {
  name: [0, 100],
  size: [124, 136],
  checksum: [148, 156],
  type: [156, 157],
  linkName: [157, 257],
  magic: [257, 265],
  prefix: [345, 500],
} as const;
/** The mark of the POSIX form and its version. */
const magic = "ustar\u000000";
const kinds = new Map<string, Entry["kind"]>([
  ["0", "file"],
  // How the form before this one, which the POSIX form includes, spells it.
  ["\0", "file"],
  ["5", "folder"],
]);
/** Tools fill the last record of 20 blocks with zeros; two are the end itself. */
const endBytesMax = 22 * blockBytes;
const octal = /^[0-7]{1,11}[ \0]*$/;

/**
 * Returns the files of a package, by path, as views of one array.
 *
 * Only what packages need is admitted: regular files and folders in the POSIX form of tar, without
 * extensions, and no byte that another reader could take for something. Libraries pass over what they
 * do not understand and unpack the rest; so the walk is ours.
 *
 * @param bytes  a `.tgz`; untrusted
 * @throws PACKAGE_INVALID, PACKAGE_TOO_LARGE
 * @see    https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export async function unpack(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const { packedBytesMax, unpackedBytesMax, ratioMax, ratioFreeBytes } = packageLimits;
  if (bytes.byteLength > packedBytesMax) throw tooLarge("it has", `${packedBytesMax} bytes`);
  const honestBytes = ratioFreeBytes + ratioMax * bytes.byteLength;
  return entriesOf(await gunzip(bytes, Math.min(unpackedBytesMax, honestBytes)));
}

function entriesOf(archive: Buffer): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const paths = createPathSet();
  let count = 0;
  let at = 0;
  for (;;) {
    if (at + 2 * blockBytes > archive.length) throw invalid("its archive is cut short");
    if (isZero(archive.subarray(at, at + blockBytes))) break;
    if (++count > packageLimits.entriesMax)
      throw tooLarge("it has", `${packageLimits.entriesMax} entries`);
    const { path, kind, size } = readHeader(archive.subarray(at, at + blockBytes));
    const start = at + blockBytes;
    at = start + Math.ceil(size / blockBytes) * blockBytes;
    if (at > archive.length) throw invalid(`${quote(path)} is cut short`);
    if (!isZero(archive.subarray(start + size, at)))
      throw invalid(`something hides behind ${quote(path)}`);
    if (kind === "folder") paths.addFolder(path);
    else {
      paths.addFile(path);
      files.set(path, archive.subarray(start, start + size));
    }
  }
  const rest = archive.subarray(at);
  if (rest.length > endBytesMax || !isZero(rest))
    throw invalid("something follows the end of its archive");
  return files;
}

interface Entry {
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly size: number;
}

/** Reads one header; @throws PACKAGE_INVALID */
function readHeader(block: Buffer): Entry {
  const raw = (name: keyof typeof field): string => block.toString("latin1", ...field[name]);
  if (!octal.test(raw("checksum")) || Number.parseInt(raw("checksum"), 8) !== sumOf(block))
    throw invalid("the checksum of a header in its archive is wrong");
  if (raw("magic") !== magic) throw invalid("its archive is not in the POSIX form of tar");
  const path = [raw("prefix"), raw("name")].map(textOf).filter(Boolean).join("/");
  const kind = kinds.get(raw("type"));
  if (kind === undefined || textOf(raw("linkName")) !== "")
    throw invalid(`${quote(path)} is neither a file nor a folder`);
  const size = octal.test(raw("size")) ? Number.parseInt(raw("size"), 8) : Number.NaN;
  if (Number.isNaN(size) || (kind === "folder" && size > 0))
    throw invalid(`the size of ${quote(path)} is not one that packages may have`);
  return { path: checkPath(kind === "folder" ? path.replace(/\/$/, "") : path), kind, size };
}

/** Returns a text that zeros fill up; @throws PACKAGE_INVALID when something hides behind them. */
function textOf(raw: string): string {
  const text = raw.replace(/\0+$/, "");
  if (text.includes("\0")) throw invalid(`something hides behind ${quote(text)}`);
  return text;
}

/** Returns the sum of a header's bytes, in which those of the checksum itself count as blanks. */
function sumOf(block: Buffer): number {
  const [start, end] = field.checksum;
  return block.reduce((sum, byte, at) => sum + (at >= start && at < end ? 0x20 : byte), 0);
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function invalid(reason: string): HostError {
  return new HostError("PACKAGE_INVALID", { reason });
}

function tooLarge(what: string, limit: string): HostError {
  return new HostError("PACKAGE_TOO_LARGE", { what, limit });
}
