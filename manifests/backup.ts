import Type, { type Static } from "typebox";
import { createCheck } from "./check.ts";
import { closed, matching } from "./document.ts";
import { HostError } from "./errors.ts";

const digestSchema = matching("^sha256:[0-9a-f]{64}$", "be a digest such as sha256:…");

/** What may lie in a backup: nothing else of a home is written by a restore, and no key is among it. */
const pathPattern =
  "^(?:convergio\\.db|convergio\\.json" +
  "|audit/[0-9]{16}\\.jsonl" +
  "|modules/sha256-[0-9a-f]{64}\\.wasm" +
  "|(?:plugins|data)/(?:[^/\\\\\\x00]+/)*[^/\\\\\\x00]+)$";

/** The schema of the list at the end of a backup. */
export const backupSchema = closed(
  {
    backup: Type.Literal(1, { description: "Version of this form" }),
    host: Type.String({ maxLength: 64, description: "Version of the host that made it" }),
    form: Type.Integer({ minimum: 1, description: "Form of its database" }),
    createdAt: Type.String({ maxLength: 32 }),
    files: Type.Array(
      closed({
        path: matching(pathPattern, "be a file that homes have"),
        bytes: Type.Integer({ minimum: 0 }),
        digest: digestSchema,
      }),
    ),
  },
  { title: "What a backup of a home holds, in the order of its files" },
);

/** The list at the end of a backup. */
export type BackupList = Static<typeof backupSchema>;

/** One file of it. */
export type BackupFile = BackupList["files"][number];

const check = createCheck(backupSchema, ({ path, problem }) => refuse(`${path} ${problem}`));

/**
 * Returns the list of a backup: every file once, none of them outside of the home.
 *
 * @param value  parsed JSON; untrusted
 * @throws BACKUP_INVALID
 */
export function parseBackupList(value: unknown): BackupList {
  const list = check(value);
  const seen = new Set<string>();
  for (const { path } of list.files) {
    if (path.split("/").some((step) => step === "." || step === ".."))
      throw refuse("a path leads out of the home");
    if (seen.has(path)) throw refuse("a file is in it twice");
    seen.add(path);
  }
  return list;
}

function refuse(reason: string): HostError {
  return new HostError("BACKUP_INVALID", { reason });
}
