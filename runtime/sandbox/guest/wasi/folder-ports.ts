import { type Errno, errno, errnoOfCode } from "./errno.ts";

/** A host function for files, by its name. */
export type FilesFunction =
  | "files_read"
  | "files_write"
  | "files_list"
  | "files_stat"
  | "files_delete"
  | "files_rename"
  | "files_make";

/** An answer of the host: JSON, and bytes beside it. */
export interface Exchanged {
  readonly json: Uint8Array;
  readonly blocks: readonly Uint8Array[];
}

/** What the folders of a guest need outside it. */
export interface FolderPorts {
  /** Purposes of folders, in the order of their descriptors from 3 on; empty without files. */
  readonly folders: readonly string[];
  /** Takes fuel for bytes that are moved on behalf of the guest; may end it. */
  charge(bytes: number): void;
  /**
   * Asks the host by one of the functions that guests may import too: it checks and audits each.
   * Undefined outside a call, when nothing may be waited for. Rejects with what ends the guest.
   */
  askFiles(name: FilesFunction, request: Exchanged): Promise<Exchanged> | undefined;
  /** Takes pages of the guest's memory limit for what is held for it; false without room. */
  reserve(pages: number): boolean;
}

/** What a file is, as the host tells it. */
export interface FileFacts {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly file: string;
}

/** What the host gave behind `ok`, with the first block, or the number of what it refused. */
export type Answered<Value> = { readonly ok: Value; readonly bytes: Uint8Array } | Errno;

/** Asks the host about files, and understands the answer. */
export async function askHost<Value>(
  ports: FolderPorts,
  name: FilesFunction,
  request: object,
  block?: Uint8Array,
): Promise<Answered<Value>> {
  const json = Buffer.from(JSON.stringify(request));
  const blocks = block === undefined || block.length === 0 ? [] : [block];
  const asked = ports.askFiles(name, { json, blocks });
  if (asked === undefined) return errno.notcapable;
  const answer = await asked;
  const bytes = answer.blocks[0] ?? new Uint8Array();
  // From the host, which is trusted; the texts in it are the guest's own.
  const said = JSON.parse(Buffer.from(answer.json).toString());
  return "error" in said ? errnoOfCode(said.error.code) : { ok: said.ok as Value, bytes };
}
