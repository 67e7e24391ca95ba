import { callBytes } from "../price.ts";
import { toStrictText } from "../text.ts";
import type { Descriptors } from "./descriptors.ts";
import { type Errno, errno } from "./errno.ts";
import { askHost, type FileFacts } from "./folder-ports.ts";
import { type GuestPath, resolvePath } from "./guest-path.ts";
import type { GuestMemory } from "./memory.ts";
import type { Entry } from "./open-folder.ts";
import { openPath } from "./opening.ts";
import { writeFilestat } from "./records.ts";

type Answer = Errno | Promise<Errno>;

/** Returns the functions of paths, and those that say which folders there are. */
export function createPathFunctions(memory: GuestMemory, descriptors: Descriptors) {
  const at = (fd: number, pointer: number, length: number, act: (place: GuestPath) => Answer) => {
    const place = placeOf(memory, descriptors, fd, pointer, length);
    return typeof place === "number" ? place : act(place);
  };
  return {
    ...preopenFunctions(memory, descriptors),
    ...changingFunctions(descriptors, at),
    path_open: (
      ...[fd, , pointer, length, oflags, rights, , fdflags, opened]: [
        ...[number, number, number, number, number, bigint, bigint, number, number],
      ]
    ): Answer =>
      at(fd, pointer, length, (place) =>
        open(memory, descriptors, place, { oflags, rights, fdflags }, opened),
      ),
    path_filestat_get: (fd: number, _: number, pointer: number, length: number, stat: number) =>
      at(fd, pointer, length, (place) => statAt(memory, descriptors, place, stat)),
    // Times are those of the file system.
    path_filestat_set_times: (fd: number, _: number, pointer: number, length: number) =>
      at(fd, pointer, length, () => errno.success),
    // Guests make no links, and find none.
    path_link: (): Answer => errno.notsup,
    path_symlink: (): Answer => errno.notsup,
    path_readlink: (fd: number, pointer: number, length: number) =>
      at(fd, pointer, length, () => errno.inval),
    path_rename: (
      ...[fd, from, fromLength, toFd, to, toLength]: [
        ...[number, number, number, number, number, number],
      ]
    ): Answer =>
      at(fd, from, fromLength, (place) =>
        at(toFd, to, toLength, (next) => rename(descriptors, place, next)),
      ),
  };
}

type At = (
  fd: number,
  pointer: number,
  length: number,
  act: (place: GuestPath) => Answer,
) => Answer;

function changingFunctions(descriptors: Descriptors, at: At) {
  const change = async (name: "files_make" | "files_delete", request: GuestPath) => {
    const flushed = await descriptors.flushUnder(request);
    if (flushed !== errno.success) return flushed;
    const answer = await askHost<{ deleted?: boolean }>(descriptors.ports, name, request);
    if (typeof answer === "number") return answer;
    return answer.ok.deleted === false ? errno.noent : errno.success;
  };
  return {
    path_create_directory: (fd: number, pointer: number, length: number): Answer =>
      at(fd, pointer, length, (place) => change("files_make", place)),
    path_remove_directory: (fd: number, pointer: number, length: number): Answer =>
      at(fd, pointer, length, (place) =>
        change("files_delete", { ...place, kind: "folder" } as GuestPath),
      ),
    path_unlink_file: (fd: number, pointer: number, length: number): Answer =>
      at(fd, pointer, length, (place) =>
        change("files_delete", { ...place, kind: "file" } as GuestPath),
      ),
  };
}

function preopenFunctions(memory: GuestMemory, descriptors: Descriptors) {
  return {
    fd_prestat_get(fd: number, pointer: number): Answer {
      const name = descriptors.preopen(fd);
      if (name === undefined) return errno.badf;
      const length = Buffer.byteLength(name);
      const fits = memory.setU32(pointer, 0) && memory.setU32(pointer + 4, length);
      return fits ? errno.success : errno.fault;
    },
    fd_prestat_dir_name(fd: number, pointer: number, length: number): Answer {
      const name = descriptors.preopen(fd);
      if (name === undefined) return errno.badf;
      const text = Buffer.from(name);
      if (length >>> 0 < text.length) return errno.nametoolong;
      const bytes = memory.bytes(pointer, text.length);
      bytes?.set(text);
      return bytes === undefined ? errno.fault : errno.success;
    },
  };
}

/** Returns where a path of the guest's (untrusted) leads. */
function placeOf(
  memory: GuestMemory,
  descriptors: Descriptors,
  fd: number,
  pointer: number,
  length: number,
): GuestPath | Errno {
  const folder = descriptors.folder(fd);
  if (typeof folder === "number") return folder;
  // Longer than any path can be: it is not even looked at.
  if (length >>> 0 > 65_536) return errno.nametoolong;
  const bytes = memory.bytes(pointer, length);
  if (bytes === undefined) return errno.fault;
  descriptors.ports.charge(callBytes + bytes.length);
  const text = toStrictText(bytes.slice());
  return text === undefined ? errno.ilseq : resolvePath(folder.place, text);
}

async function open(
  memory: GuestMemory,
  descriptors: Descriptors,
  place: GuestPath,
  wish: Parameters<typeof openPath>[2],
  pointer: number,
): Promise<Errno> {
  if (!memory.has(pointer, 4)) return errno.fault;
  if (!descriptors.hasRoom) return errno.mfile;
  const opened = await openPath(descriptors, place, wish);
  if (typeof opened === "number") return opened;
  const fd = descriptors.add(opened);
  if (fd === undefined) return errno.mfile;
  return memory.setU32(pointer, fd) ? errno.success : errno.fault;
}

async function statAt(
  memory: GuestMemory,
  descriptors: Descriptors,
  place: GuestPath,
  pointer: number,
): Promise<Errno> {
  const flushed = await descriptors.flushUnder(place);
  if (flushed !== errno.success) return flushed;
  const answer = await askHost<FileFacts & Pick<Entry, "kind">>(
    descriptors.ports,
    "files_stat",
    place,
  );
  if (typeof answer === "number") return answer;
  const trimmed = { ...place, path: place.path.replace(/\/$/, "") };
  return writeFilestat(memory, pointer, trimmed, answer.ok) ? errno.success : errno.fault;
}

async function rename(descriptors: Descriptors, from: GuestPath, to: GuestPath): Promise<Errno> {
  if (from.folder !== to.folder) return errno.xdev;
  for (const place of [from, to]) {
    const flushed = await descriptors.flushUnder(place);
    if (flushed !== errno.success) return flushed;
  }
  const answer = await askHost(descriptors.ports, "files_rename", { ...from, to: to.path });
  if (typeof answer === "number") return answer;
  descriptors.moved(from, to);
  return errno.success;
}
