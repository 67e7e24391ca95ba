import { Descriptors, firstFolder } from "./descriptors.ts";
import { createFileFunctions } from "./file-functions.ts";
import { errno } from "./errno.ts";
import type { FolderPorts } from "./folder-ports.ts";
import type { Gate } from "./gate.ts";
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

/** A gate, and what it looks at: 0 while a guest is being made. */
export interface Phased extends Gate {
  readonly phase: WebAssembly.Global;
}

type Act = (...values: never[]) => unknown;
/** Functions of WASI by name. */
type Plain = Record<string, Act>;

/**
 * Creates the functions of descriptors and paths for a guest whose manifest asks for folders.
 *
 * Each folder that it asks for is there as `/<purpose>` from descriptor 3 on, whether it was granted or
 * not: libraries look once, at their start, and grants come and go while a guest lives. What was not
 * granted answers ENOTCAPABLE. Before a guest's first call nothing can be opened.
 *
 * @param streams  the same functions for the standard streams
 * @param exit     ends the guest
 */
export function createFolders(
  memory: GuestMemory,
  ports: FolderPorts,
  gate: Phased,
  streams: Plain,
  exit: (code: number) => never,
): Folders {
  const descriptors = new Descriptors(ports);
  const settle = () => (descriptors.isDirty ? descriptors.settle() : undefined);
  const own: Plain = {
    // A program that ends has written what it wrote.
    proc_exit(code: number): never | Promise<never> {
      const settling = settle();
      return settling === undefined ? exit(code) : settling.then(() => exit(code));
    },
    ...createFileFunctions(memory, descriptors),
    ...createPathFunctions(memory, descriptors),
  };
  const prompt = { ...own, proc_exit: exit };
  const plain: Plain = Object.fromEntries(
    Object.entries(prompt).map(([name, act]) => [name, eitherOf(streams[name], act)]),
  );
  return {
    imports: { ...plain, ...gated(gate, plain, own) },
    settle,
    forget: () => descriptors.forget(),
  };
}

/** A descriptor below 3 is a standard stream's, any other one of a folder or a file. */
function eitherOf(stream: Act | undefined, act: Act): Act {
  if (stream === undefined) return act;
  return (fd: number, ...values: never[]) =>
    fd >>> 0 < firstFolder ? stream(fd as never, ...values) : act(fd as never, ...values);
}

/** Functions that wait in a call, and do not before there is one or for a standard stream. */
function gated(
  { module, names, phase }: Phased,
  plain: Plain,
  own: Plain,
): WebAssembly.ModuleImports {
  const named = (make: (name: string) => WebAssembly.ImportValue) =>
    Object.fromEntries(names.map((name) => [name, make(name)]));
  const { exports } = new WebAssembly.Instance(module, {
    meter: { phase },
    plain: named((name) => promptOf(plain[name])),
    waiting: named((name) => new WebAssembly.Suspending(own[name] ?? promptOf(undefined))),
  });
  return exports as WebAssembly.ModuleImports;
}

/** What would have to wait has nobody to wait for: nothing was granted to a guest that is being made. */
function promptOf(act: Act | undefined): Act {
  return (...values: never[]) => {
    const answer = act?.(...values);
    return typeof answer === "number" ? answer : errno.notcapable;
  };
}
