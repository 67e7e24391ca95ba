import Type, { type Static } from "typebox";
import { folderNameSchema } from "#manifests/capabilities/files.ts";
import { operationBytesMax } from "./reading.ts";

/** Entries of a page of a listing: a guest that wants more asks again. */
const pageMax = 1_000;

const closed = { additionalProperties: false };
const path = Type.String({ maxLength: 4_096, description: "From the folder that was granted" });
const named = { folder: folderNameSchema, path };
const offset = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const told = {
  size: Type.Integer({ description: "Bytes of the file" }),
  modified: Type.Number({ description: "Milliseconds since 1970" }),
  file: Type.String({ description: "Differs from that of another file of the same name" }),
};
const kind = Type.Enum(["file", "folder", "other"]);

/** What names a path, and nothing more. */
export const pathRequest = Type.Object(named, closed);
/** A path in a folder that was granted. */
export type PathRequest = Static<typeof pathRequest>;

/** A part of a file, all of it when nothing is said; `file` is whose bytes they must be. */
export const readRequest = Type.Object(
  {
    ...named,
    offset: Type.Optional(offset),
    length: Type.Optional(Type.Integer({ minimum: 0, maximum: operationBytesMax })),
    file: Type.Optional(Type.String({ maxLength: 128 })),
  },
  closed,
);
/** A part of a file. */
export type ReadRequest = Static<typeof readRequest>;

/** What goes into a file; bytes come in `value` as text, or as a block. */
export const writeRequest = Type.Object(
  {
    ...named,
    value: Type.Optional(Type.String()),
    mode: Type.Optional(Type.Enum(["replace", "create", "append", "update"])),
    offset: Type.Optional(offset),
    size: Type.Optional(offset),
    create: Type.Optional(Type.Boolean()),
  },
  closed,
);
/** What goes into a file. */
export type WriteRequest = Static<typeof writeRequest>;

/** A page of a listing. */
export const listRequest = Type.Object(
  {
    ...named,
    after: Type.Optional(Type.String({ maxLength: 255 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageMax })),
    details: Type.Optional(Type.Boolean()),
  },
  closed,
);
/** A page of a listing. */
export type ListRequest = Static<typeof listRequest>;

/** What is to be deleted, and what it must be. */
export const deleteRequest = Type.Object(
  { ...named, kind: Type.Optional(Type.Enum(["file", "folder"])) },
  closed,
);
/** What is to be deleted. */
export type DeleteRequest = Static<typeof deleteRequest>;

/** A path and the next one of what it names. */
export const renameRequest = Type.Object({ ...named, to: path }, closed);
/** A path and the next one. */
export type RenameRequest = Static<typeof renameRequest>;

/** What stands behind `ok`, by function. */
export const responses = {
  read: Type.Object({ ...told, end: Type.Boolean() }),
  write: Type.Object(told),
  list: Type.Object({
    entries: Type.Array(
      Type.Object({
        name: Type.String(),
        kind,
        size: Type.Optional(told.size),
        modified: Type.Optional(told.modified),
        file: Type.Optional(told.file),
      }),
    ),
    cursor: Type.Union([Type.String(), Type.Null()]),
  }),
  stat: Type.Object({ kind, ...told }),
  delete: Type.Object({ deleted: Type.Boolean() }),
  nothing: Type.Object({}),
};
