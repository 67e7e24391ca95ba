import { Header } from "tar";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { gunzip } from "./gzip.ts";
import { packageLimits } from "./limits.ts";
import { checkPath, createPathSet } from "./paths.ts";

const blockBytes = 512;
/** The mark of the POSIX form and its version, and where it stands. */
const magic = { text: "ustar\u000000", start: 257, end: 265 } as const;
/** Tools fill the last record of 20 blocks with zeros; two are the end itself. */
const endBytesMax = 22 * blockBytes;
const sizeField = { start: 124, end: 136 } as const;
const octal = /^[0-7]{1,11}[ \0]*$/;

/**
 * Returns the files of a package, by path, as views of one array.
 *
 * Only what packages need is admitted: regular files and folders in the POSIX form of tar, without
 * extensions. `tar` reads single headers; the walk is ours, because the library passes over what it
 * does not understand and unpacks the rest.
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

function readHeader(block: Buffer): Entry {
  const header = new Header(block);
  const { path = "", size = 0, type, cksumValid } = header;
  if (!cksumValid) throw invalid("the checksum of a header in its archive is wrong");
  if (block.toString("latin1", magic.start, magic.end) !== magic.text)
    throw invalid("its archive is not in the POSIX form of tar");
  const kind = type === "Directory" ? "folder" : "file";
  if (type !== "File" && type !== "OldFile" && type !== "Directory")
    throw invalid(`${quote(path)} is neither a file nor a folder`);
  // The library reads other forms of numbers too, and takes any folder for empty.
  const sizeText = block.toString("latin1", sizeField.start, sizeField.end);
  if (!octal.test(sizeText) || Number.parseInt(sizeText, 8) !== size)
    throw invalid(`the size of ${quote(path)} is not a number that packages may have`);
  if (header.linkpath !== "") throw invalid(`${quote(path)} is a link`);
  return { path: checkPath(kind === "folder" ? path.replace(/\/$/, "") : path), kind, size };
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
