import { type FilesGrant, filesAsks } from "#manifests/capabilities/files.ts";
import { HostError } from "#manifests/errors.ts";
import type { Grants } from "#manifests/grants.ts";
import { type InnerPath, parseInnerPath } from "./beneath/path.ts";
import {
  type Capability,
  type EffectAnswer,
  type FunctionOf,
  hostFunction,
  type Message,
} from "./capability.ts";
import { deletePath, makeFolder, renamePath } from "./files/changing.ts";
import { Disk, type FilesParts, grantOf } from "./files/disk.ts";
import { listOf, operationBytesMax, readPiece, statOf } from "./files/reading.ts";
import {
  type DeleteRequest,
  deleteRequest,
  type ListRequest,
  listRequest,
  type PathRequest,
  pathRequest,
  type ReadRequest,
  type RenameRequest,
  readRequest,
  renameRequest,
  responses,
  type WriteRequest,
  writeRequest,
} from "./files/requests.ts";
import { appendFile, createFile, replaceFile, updateFile, type Writer } from "./files/writing.ts";

/** Entries of a page of a listing when a guest does not say. */
const pageDefault = 200;

/** What a request names: a path in a folder, to be read or written. */
interface FileTarget {
  readonly folder: string;
  readonly inner: InnerPath;
  readonly writes: boolean;
  readonly text: string;
}

/**
 * Files in folders that an operator granted: each has a purpose in the manifest, and is the plugin's own
 * in the host's home, or one that the operator chose. No path leads out of it.
 *
 * A guest sees the same folders through WASI, by these functions.
 */
export function createFolders(parts: FilesParts): Capability {
  const disk = new Disk(parts);
  return {
    name: "files",
    functions: [
      readOf(disk),
      writeOf(disk),
      listFunction(disk),
      statFunction(disk),
      deleteOf(disk),
      renameOf(disk),
      makeOf(disk),
    ].map((one) => hostFunction(one)),
    asks: ({ files }) => filesAsks(files),
  };
}

type FilesFunction = FunctionOf<FileTarget, FilesGrant>;

function common(act: string, reads: boolean) {
  return {
    import: `extism:host/user.${act}`,
    capability: "files",
    act,
    reads,
    target: (request: PathRequest) => targetOf(request, !reads),
    grantFor: (grants: Grants, { folder, inner, writes }: FileTarget) =>
      inner.leadsOut ? undefined : grantOf(grants, folder, writes),
    text: ({ text }: FileTarget) => text,
  };
}

/** @throws PATH_REFUSED */
function targetOf({ folder, path: asked }: PathRequest, writes: boolean): FileTarget {
  const inner = parseInnerPath(asked, folder);
  const shown = inner.leadsOut ? asked : `/${inner.names.join("/")}`;
  return { folder, inner, writes, text: `${folder}:${shown}` };
}

function readOf(disk: Disk): FilesFunction {
  return {
    ...common("files_read", true),
    about: "Gives bytes of a file as a block: all of it up to 8 MiB, or a part.",
    request: readRequest,
    response: responses.read,
    async effect(asker, request: ReadRequest, _message, _check, grant): Promise<EffectAnswer> {
      const target = targetOf(request, false);
      const { offset: from = 0, length = operationBytesMax, file } = request;
      const part = { offset: from, length, file };
      const piece = await disk.read(asker, grant, (root) => readPiece(root, target.inner, part));
      const { bytes, ...rest } = piece;
      const end = from + bytes.length >= piece.size;
      return { value: { ...rest, end }, blocks: bytes.length === 0 ? [] : [bytes] };
    },
  };
}

function writeOf(disk: Disk): FilesFunction {
  return {
    ...common("files_write", false),
    about:
      "Writes a file whole in one step (`replace`, or `create` a new one), to its end or a place in it.",
    request: writeRequest,
    response: responses.write,
    async effect(asker, request: WriteRequest, message, _check, grant) {
      const target = targetOf(request, true);
      const { inner } = target;
      const { mode = "replace", offset: at = 0, size, create = false } = request;
      const bytes = bytesOf(request, message);
      const { kind: _, ...rest } = await disk.write(asker, grant, (writer) => {
        if (mode === "create") return createFile(writer, inner, bytes);
        if (mode === "append") return appendFile(writer, inner, bytes);
        if (mode === "replace") return replaceFile(writer, inner, bytes);
        return updateFile(writer, inner, { bytes, offset: at, size, create });
      });
      return { value: rest };
    },
  };
}

function listFunction(disk: Disk): FilesFunction {
  return {
    ...common("files_list", true),
    about: "Gives what is in a folder in the order of names, a page at a time.",
    request: listRequest,
    response: responses.list,
    async effect(asker, request: ListRequest, _message, _check, grant) {
      const target = targetOf(request, false);
      const { after = "", limit = pageDefault, details = true } = request;
      const page = { after, limit, details };
      return {
        value: await disk.read(asker, grant, (root) => listOf(root, target.inner, page)),
      };
    },
  };
}

function statFunction(disk: Disk): FilesFunction {
  return {
    ...common("files_stat", true),
    about: "Says what a path names, and how large it is.",
    request: pathRequest,
    response: responses.stat,
    async effect(asker, request: PathRequest, _message, _check, grant) {
      const target = targetOf(request, false);
      return { value: await disk.read(asker, grant, (root) => statOf(root, target.inner)) };
    },
  };
}

function deleteOf(disk: Disk): FilesFunction {
  return {
    ...common("files_delete", false),
    about: "Deletes a file or an empty folder; says whether it was there.",
    request: deleteRequest,
    response: responses.delete,
    async effect(asker, request: DeleteRequest, _message, _check, grant) {
      const target = targetOf(request, true);
      const act = (writer: Writer) => deletePath(writer, target.inner, request.kind);
      return { value: { deleted: await disk.write(asker, grant, act) } };
    },
  };
}

function renameOf(disk: Disk): FilesFunction {
  return {
    ...common("files_rename", false),
    about: "Gives a file or a folder another path in its folder, in place of what has it.",
    request: renameRequest,
    response: responses.nothing,
    target: (request: RenameRequest) => renameTarget(request).target,
    async effect(asker, request: RenameRequest, _message, _check, grant) {
      const { target, to } = renameTarget(request);
      await disk.write(asker, grant, (writer) => renamePath(writer, target.inner, to.inner));
      return { value: {} };
    },
  };
}

/** One target for both paths: the same grant has to cover them. @throws PATH_REFUSED */
function renameTarget({ folder, path: asked, to: next }: RenameRequest) {
  const from = targetOf({ folder, path: asked }, true);
  const to = targetOf({ folder, path: next }, true);
  const inner = { ...from.inner, leadsOut: from.inner.leadsOut || to.inner.leadsOut };
  return { target: { ...from, inner, text: `${from.text} to ${to.text}` }, to };
}

function makeOf(disk: Disk): FilesFunction {
  return {
    ...common("files_make", false),
    about: "Makes a folder.",
    request: pathRequest,
    response: responses.nothing,
    async effect(asker, request: PathRequest, _message, _check, grant) {
      const target = targetOf(request, true);
      await disk.write(asker, grant, (writer) => makeFolder(writer, target.inner));
      return { value: {} };
    },
  };
}

/** @throws HOST_REQUEST_INVALID */
function bytesOf({ value }: WriteRequest, { blocks }: Message): Uint8Array {
  const bytes = value === undefined ? blocks[0] : Buffer.from(value);
  const invalid = (problem: string) =>
    new HostError("HOST_REQUEST_INVALID", { path: "value", problem });
  // An empty file has no block: the kernel knows none of no bytes.
  if (bytes === undefined) return new Uint8Array();
  if (bytes.length > operationBytesMax)
    throw invalid(`must be at most ${operationBytesMax} bytes at a time`);
  return bytes;
}
