import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FilesGrant } from "#manifests/capabilities/files.ts";
import { plainTerms } from "#manifests/capabilities/terms.ts";
import type { Asker } from "#runtime/capabilities/capability.ts";
import { createFolders } from "#runtime/capabilities/files.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { systemClock } from "#runtime/clock.ts";
import { ask, askerWith, portsWith, type Told } from "./asker.ts";
import { temporaryFolder } from "./home.ts";

/** The files of a host of a test's own, and a folder outside its home that an operator could grant. */
export interface TestFolders extends AsyncDisposable {
  readonly home: string;
  readonly data: string;
  /** The operator's folder. */
  readonly folder: string;
  /** Holds `secret`, which no guest may ever read or change. */
  readonly outside: string;
  /** Acts, with their targets and whether they were allowed. */
  readonly acts: readonly string[];
  /** The same folders as a host sees them that has just started. */
  restarted(): Pick<TestFolders, "ask">;
  /** Asks as a guest that was granted the operator's folder for `notes` and its own for `cache`. */
  ask(act: string, request: object, options?: AskOptions): Promise<Told>;
}

/** How one question differs. */
export interface AskOptions {
  readonly asker?: Asker;
  readonly block?: Uint8Array;
}

/** Returns a grant of a folder, of the plugin's own when it names none. */
export function filesGrantWith(own: Partial<FilesGrant> = {}): FilesGrant {
  return {
    ...plainTerms("any"),
    name: "cache",
    folder: null,
    access: "write",
    quotaBytes: 1024 * 1024,
    entriesMax: 1_000,
    ...own,
  };
}

/** Opens the folders of a home: who asks has one of its own, `cache`, unless it is said otherwise. */
export function foldersIn(
  home: string,
  usual = askerWith({ files: [filesGrantWith()] }),
  acts: string[] = [],
): Pick<TestFolders, "ask"> {
  const table = createTable(
    [createFolders({ clock: systemClock(), home, data: join(home, "data") })],
    portsWith(({ act, target, allowed }) => void acts.push(`${act} ${target} ${allowed}`)),
  );
  return {
    ask(act, request, { asker = usual, block } = {}) {
      const guarded = table.functionOf(`extism:host/user.${act}`);
      if (guarded === undefined) throw new TypeError(`there is no ${act}`);
      return ask(guarded, asker, request, block === undefined ? [] : [block]);
    },
  };
}

/** Makes a home, an operator's folder, and the functions of files between them. */
export async function openFolders(): Promise<TestFolders> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryFolder());
  const [home, folder, outside] = [join(path, "home"), join(path, "notes"), join(path, "outside")];
  const data = join(home, "data");
  for (const each of [data, folder, outside]) await mkdir(each, { recursive: true });
  await writeFile(join(outside, "secret"), "secret");
  const acts: string[] = [];
  const files = [filesGrantWith(), filesGrantWith({ name: "notes", folder })];
  const usual = askerWith({ files });
  const open = () => foldersIn(home, usual, acts);
  const held = undo.move();
  return {
    ...{ home, data, folder, outside, acts },
    ...open(),
    restarted: open,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Returns what a block says. */
export function textOf({ blocks }: Told): string {
  return Buffer.concat(blocks).toString();
}
