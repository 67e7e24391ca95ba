import { callBytes, glanceBytes } from "../price.ts";
import type { Descriptors } from "./descriptors.ts";
import { type Errno, errno } from "./errno.ts";
import type { GuestMemory } from "./memory.ts";
import { OpenFile, readBytesMax } from "./open-file.ts";
import { isErrno, OpenFolder } from "./open-folder.ts";
import { fdflagAppend } from "./opening.ts";
import { direntOf, writeFdstat, writeFilestat } from "./records.ts";
import { checkVectors, gather, roomOf, scatter, vectorBytes, vectorsMax } from "./vectors.ts";

type Answer = Errno | Promise<Errno>;

/** Most bytes of one write; the guest writes the rest again. */
const writeBytesMax = 1024 * 1024;

/** Returns the functions of descriptors that a guest has beside the standard streams. */
export function createFileFunctions(memory: GuestMemory, descriptors: Descriptors) {
  return {
    ...movingFunctions(memory, descriptors),
    ...placeFunctions(memory, descriptors),
    ...statFunctions(memory, descriptors),
    fd_close: (fd: number): Answer => descriptors.close(fd),
    fd_renumber: (from: number, to: number): Answer => descriptors.renumber(from, to),
    fd_sync: (fd: number): Answer => syncOf(descriptors, fd),
    fd_datasync: (fd: number): Answer => syncOf(descriptors, fd),
    fd_advise: (fd: number): Answer => onFile(descriptors, fd, () => errno.success),
    fd_filestat_set_size: (fd: number, size: bigint): Answer =>
      onFile(descriptors, fd, (file) => resize(file, size)),
    fd_allocate: (fd: number, offset: bigint, length: bigint): Answer =>
      onFile(descriptors, fd, (file) => allocate(file, offset, length)),
    fd_readdir: (fd: number, to: number, length: number, cookie: bigint, used: number): Answer =>
      readFolder(memory, descriptors, fd, { to, length, cookie, used }),
  };
}

function onFile(descriptors: Descriptors, fd: number, act: (file: OpenFile) => Answer): Answer {
  const file = descriptors.file(fd);
  return typeof file === "number" ? file : act(file);
}

function syncOf(descriptors: Descriptors, fd: number): Answer {
  const found = descriptors.get(fd);
  if (found === undefined) return errno.badf;
  return found instanceof OpenFile ? found.flush() : errno.success;
}

/** Reading and writing, at the descriptor's place or another. */
function movingFunctions(memory: GuestMemory, descriptors: Descriptors) {
  const { ports } = descriptors;
  const checked = (vectors: number, count: number, stored: number): Errno => {
    ports.charge(glanceBytes + vectorBytes * Math.min(count >>> 0, vectorsMax));
    const error = checkVectors(memory, vectors, count);
    if (error !== errno.success) return error;
    return memory.has(stored, 4) ? errno.success : errno.fault;
  };
  const read = ({ file, at, moves }: Place, list: [number, number], stored: number): Answer => {
    const error = checked(...list, stored);
    if (error !== errno.success) return error;
    const give = (found: Uint8Array | Errno): Errno => {
      if (typeof found === "number") return found;
      ports.charge(found.length);
      const length = scatter(memory, ...list, found);
      if (moves) file.offset += length;
      return memory.setU32(stored, length) ? errno.success : errno.fault;
    };
    const found = file.read(at, Math.min(roomOf(memory, ...list), readBytesMax));
    return found instanceof Promise ? found.then(give) : give(found);
  };
  const write = ({ file, at, moves }: Place, list: [number, number], stored: number): Answer => {
    const error = checked(...list, stored);
    if (error !== errno.success) return error;
    const bytes = gather(memory, ...list, writeBytesMax);
    ports.charge(bytes.length);
    const tell = (written: Errno): Errno => {
      if (written !== errno.success) return written;
      if (moves) file.offset += bytes.length;
      return memory.setU32(stored, bytes.length) ? errno.success : errno.fault;
    };
    const written = file.write(at, bytes);
    return written instanceof Promise ? written.then(tell) : tell(written);
  };
  const here = (fd: number, act: (place: Place) => Answer): Answer =>
    onFile(descriptors, fd, (file) => act({ file, at: file.offset, moves: true }));
  const there = (fd: number, at: bigint, act: (place: Place) => Answer): Answer => {
    const place = BigInt.asUintN(64, at);
    if (place > BigInt(Number.MAX_SAFE_INTEGER)) return errno.inval;
    return onFile(descriptors, fd, (file) => act({ file, at: Number(place), moves: false }));
  };
  return {
    fd_read: (fd: number, vectors: number, count: number, stored: number): Answer =>
      here(fd, (place) => read(place, [vectors, count], stored)),
    fd_write: (fd: number, vectors: number, count: number, stored: number): Answer =>
      here(fd, (place) => write(place, [vectors, count], stored)),
    fd_pread: (fd: number, vectors: number, count: number, at: bigint, stored: number): Answer =>
      there(fd, at, (place) => read(place, [vectors, count], stored)),
    fd_pwrite: (fd: number, vectors: number, count: number, at: bigint, stored: number): Answer =>
      there(fd, at, (place) => write(place, [vectors, count], stored)),
  };
}

/** Where in a file something is read or written, and whether the descriptor goes on from there. */
interface Place {
  readonly file: OpenFile;
  readonly at: number;
  readonly moves: boolean;
}

const whence = { start: 0, here: 1, end: 2 } as const;

function placeFunctions(memory: GuestMemory, descriptors: Descriptors) {
  return {
    fd_tell: (fd: number, pointer: number): Answer =>
      onFile(descriptors, fd, (file) =>
        memory.setU64(pointer, BigInt(file.offset)) ? errno.success : errno.fault,
      ),
    fd_seek: (fd: number, by: bigint, from: number, pointer: number): Answer =>
      onFile(descriptors, fd, (file) => {
        const go = (start: number): Errno => {
          const place = BigInt(start) + BigInt.asIntN(64, by);
          if (place < 0n || place > BigInt(Number.MAX_SAFE_INTEGER)) return errno.inval;
          if (!memory.setU64(pointer, place)) return errno.fault;
          file.offset = Number(place);
          return errno.success;
        };
        if (from === whence.start) return go(0);
        if (from === whence.here) return go(file.offset);
        if (from !== whence.end) return errno.inval;
        return file.facts().then((facts) => (typeof facts === "number" ? facts : go(facts.size)));
      }),
  };
}

function statFunctions(memory: GuestMemory, descriptors: Descriptors) {
  return {
    fd_fdstat_get(fd: number, pointer: number): Answer {
      const found = descriptors.get(fd);
      if (found === undefined) return errno.badf;
      const kind = found instanceof OpenFile ? "file" : "folder";
      const flags = found instanceof OpenFile && found.appends ? fdflagAppend : 0;
      return writeFdstat(memory, pointer, kind, flags) ? errno.success : errno.fault;
    },
    fd_fdstat_set_flags: (fd: number, flags: number): Answer =>
      onFile(descriptors, fd, (file) => file.appendFrom((flags & fdflagAppend) !== 0)),
    fd_fdstat_set_rights: (fd: number): Answer =>
      descriptors.get(fd) === undefined ? errno.badf : errno.success,
    // Times are those of the file system: nothing can be made to look older than it is.
    fd_filestat_set_times: (fd: number): Answer =>
      descriptors.get(fd) === undefined ? errno.badf : errno.success,
    async fd_filestat_get(fd: number, pointer: number): Promise<Errno> {
      const found = descriptors.get(fd);
      if (found === undefined) return errno.badf;
      const { place } = found;
      const isFolder = found instanceof OpenFolder;
      const facts = isFolder ? { size: 0, modified: 0 } : await found.facts();
      if (typeof facts === "number") return facts;
      const stat = { ...facts, kind: isFolder ? "folder" : "file" } as const;
      return writeFilestat(memory, pointer, place, stat) ? errno.success : errno.fault;
    },
  };
}

function resize(file: OpenFile, size: bigint): Answer {
  const wished = BigInt.asUintN(64, size);
  if (wished > BigInt(Number.MAX_SAFE_INTEGER)) return errno.fbig;
  return file.resize(Number(wished));
}

async function allocate(file: OpenFile, offset: bigint, length: bigint): Promise<Errno> {
  const facts = await file.facts();
  if (typeof facts === "number") return facts;
  const end = BigInt.asUintN(64, offset) + BigInt.asUintN(64, length);
  return end > BigInt(facts.size) ? resize(file, end) : errno.success;
}

interface Listing {
  readonly to: number;
  readonly length: number;
  readonly cookie: bigint;
  readonly used: number;
}

/** Fills a buffer with entries; the last one is cut off, which says that there are more. */
async function readFolder(
  memory: GuestMemory,
  descriptors: Descriptors,
  fd: number,
  { to, length, cookie, used }: Listing,
): Promise<Errno> {
  const folder = descriptors.folder(fd);
  if (typeof folder === "number") return folder;
  const room = length >>> 0;
  if (!memory.has(to, length) || !memory.has(used, 4)) return errno.fault;
  const flushed = await descriptors.flushUnder(folder.place);
  if (flushed !== errno.success) return flushed;
  const pieces: Uint8Array[] = [];
  let filled = 0;
  for (let next = BigInt.asUintN(64, cookie); filled < room; next += 1n) {
    const entry = await entryOf(folder, next);
    if (isErrno(entry)) return entry;
    if (entry === undefined) break;
    const piece = direntOf(folder.place, next + 1n, entry).subarray(0, room - filled);
    descriptors.ports.charge(glanceBytes + piece.length);
    pieces.push(piece);
    filled += piece.length;
  }
  descriptors.ports.charge(callBytes);
  memory.bytes(to, filled)?.set(Buffer.concat(pieces));
  return memory.setU32(used, filled) ? errno.success : errno.fault;
}

function entryOf(folder: OpenFolder, number: bigint) {
  if (number === 0n) return { name: ".", kind: "folder" } as const;
  if (number === 1n) return { name: "..", kind: "folder" } as const;
  const index = number - 2n;
  return index > 0xffff_ffffn ? undefined : folder.entry(Number(index));
}
