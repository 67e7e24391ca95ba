import { deleteFile, listFiles, readFile, writeFile } from "../../../plugin-sdk/assemblyscript/assembly/host";
import { Json, Kind, parse, quote } from "../../../plugin-sdk/assemblyscript/assembly/json";
import { answerText, fail, inputText } from "../../../plugin-sdk/assemblyscript/assembly/pdk";

// The purpose of the folder in manifest.json; the operator says which folder it is.
const FOLDER = "notes";
const SUFFIX = ".md";
// Lines of a search: more than anybody reads.
const FOUND_MAX = 100;
const LINE_MAX = 200;

export function write(): i32 {
  const name = member("name");
  const text = member("text");
  if (name === null || text === null) return fail("Cannot keep the note: `name` or `text` is missing");
  const problem = writeFile(FOLDER, name + SUFFIX, text).problem;
  if (problem !== null) return fail(`Cannot keep the note ${quote(name)}: ${problem}`);
  return answerText(`{"name":${quote(name)}}`);
}

export function read(): i32 {
  const name = member("name");
  if (name === null) return fail("Cannot read the note: `name` is missing");
  const file = readFile(FOLDER, name + SUFFIX);
  const problem = file.problem;
  if (problem !== null && !problem.startsWith("PATH_NOT_FOUND"))
    return fail(`Cannot read the note ${quote(name)}: ${problem}`);
  const text = file.text;
  return answerText(`{"name":${quote(name)},"text":${text === null ? "null" : quote(text)}}`);
}

export function list(): i32 {
  const start = member("prefix");
  const names = namesOf(start === null ? "" : start);
  if (names.problem !== null) return fail("Cannot list the notes: " + names.problem!);
  return answerText(`{"names":[${names.all.map<string>((name) => quote(name)).join(",")}]}`);
}

/** Looks for words in every note, as they are written or in other case. */
export function search(): i32 {
  const words = member("text");
  if (words === null || words.length == 0) return fail("Cannot search the notes: `text` is missing");
  const names = namesOf("");
  if (names.problem !== null) return fail("Cannot search the notes: " + names.problem!);
  const wanted = words.toLowerCase();
  const found = new Array<string>();
  for (let i = 0; i < names.all.length && found.length < FOUND_MAX; i++) {
    const file = readFile(FOLDER, names.all[i] + SUFFIX);
    const problem = file.problem;
    // Deleted by another call since it was listed.
    if (problem !== null && problem.startsWith("PATH_NOT_FOUND")) continue;
    if (problem !== null) return fail(`Cannot search the note ${quote(names.all[i])}: ${problem}`);
    collect(names.all[i], file.text!, wanted, found);
  }
  return answerText(`{"found":[${found.join(",")}]}`);
}

// "delete" is a word of the language.
export function remove(): i32 {
  const name = member("name");
  if (name === null) return fail("Cannot delete the note: `name` is missing");
  const answer = deleteFile(FOLDER, name + SUFFIX);
  if (answer.problem !== null) return fail(`Cannot delete the note ${quote(name)}: ${answer.problem!}`);
  const deleted = answer.ok!.get("deleted");
  const isGone = deleted !== null && deleted.kind == Kind.True;
  return answerText(`{"name":${quote(name)},"deleted":${isGone ? "true" : "false"}}`);
}

function collect(name: string, text: string, wanted: string, found: Array<string>): void {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length && found.length < FOUND_MAX; i++)
    if (lines[i].toLowerCase().includes(wanted))
      found.push(`{"name":${quote(name)},"line":${i + 1},"text":${quote(lines[i].substring(0, LINE_MAX))}}`);
}

/** Names of notes, or why there are none to be had. */
class Names {
  all: Array<string> = [];
  problem: string | null = null;
}

/** Gives the names of the notes that begin with a prefix, in their order. */
function namesOf(prefix: string): Names {
  const names = new Names();
  for (let after = "", isFirst = true; isFirst || after.length > 0; isFirst = false) {
    const answer = listFiles(FOLDER, "", after);
    names.problem = answer.problem;
    const ok = answer.ok;
    if (ok === null) return names;
    take(ok.get("entries"), prefix, names.all);
    const cursor = ok.textOf("cursor");
    after = cursor === null ? "" : cursor;
  }
  return names;
}

function take(entries: Json | null, prefix: string, names: Array<string>): void {
  if (entries === null) return;
  for (let i = 0; i < entries.items.length; i++) {
    const name = entries.items[i].textOf("name");
    const kind = entries.items[i].textOf("kind");
    if (name === null || kind === null || kind != "file") continue;
    if (name.endsWith(SUFFIX) && name.startsWith(prefix))
      names.push(name.substring(0, name.length - SUFFIX.length));
  }
}

function member(key: string): string | null {
  const input: Json | null = parse(inputText());
  return input === null ? null : input.textOf(key);
}
