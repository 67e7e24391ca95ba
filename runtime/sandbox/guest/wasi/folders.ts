import { Descriptors, firstFolder } from "./descriptors.ts";
import { createFileFunctions } from "./file-functions.ts";
import type { FolderPorts } from "./folder-ports.ts";
import type { GuestMemory } from "./memory.ts";
import { createPathFunctions } from "./path-functions.ts";

/** The functions of a guest that has folders, and what it holds back. */
export interface Folders {
  readonly imports: WebAssembly.ModuleImports;
  /** Writes what is held back when a call ends; undefined when nothing is. */
  settle(): Promise<void> | undefined;
  /** Drops what was not written, and what was learned on behalf of a caller. */
  forget(): void;
}

/** What the standard streams answer, by name. */
type Plain = Readonly<Record<string, (...values: never[]) => unknown>>;

/** Functions that never wait: they may be called while a guest is being made, also in a start section. */
const prompt = [
  ...["fd_prestat_get", "fd_prestat_dir_name", "fd_fdstat_get", "fd_fdstat_set_rights"],
  ...["fd_filestat_set_times", "fd_advise", "fd_tell", "path_link", "path_symlink"],
];

/**
 * Creates the functions of descriptors and paths for a guest whose manifest asks for folders.
 *
 * Each folder that it asks for is there as `/<purpose>` from descriptor 3 on, whether it was granted or
 * not: libraries look once, at their start, and grants come and go while a guest lives. What was not
 * granted answers ENOTCAPABLE. Before a guest's first call nothing can be opened.
 *
 * @param streams  the same functions for the standard streams
 */
export function createFolders(memory: GuestMemory, ports: FolderPorts, streams: Plain): Folders {
  const descriptors = new Descriptors(ports);
  const own: Plain = {
    ...createFileFunctions(memory, descriptors),
    ...createPathFunctions(memory, descriptors),
  };
  const imports = Object.entries(own).map(([name, act]) => {
    const stream = streams[name];
    const isOfStreams = name.startsWith("fd_") && stream !== undefined;
    const either = (fd: number, ...values: never[]) =>
      isOfStreams && fd >>> 0 < firstFolder
        ? stream(fd as never, ...values)
        : act(fd as never, ...values);
    return [name, prompt.includes(name) ? either : new WebAssembly.Suspending(either)];
  });
  return {
    imports: Object.fromEntries(imports),
    settle: () => (descriptors.isDirty ? descriptors.settle() : undefined),
    forget: () => descriptors.forget(),
  };
}
