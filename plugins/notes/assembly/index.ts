import { kvDelete, kvGet, kvList, kvSet } from "../../../plugin-sdk/assemblyscript/assembly/host";
import { Json, Kind, parse, quote } from "../../../plugin-sdk/assemblyscript/assembly/json";
import { answerText, fail, inputText } from "../../../plugin-sdk/assemblyscript/assembly/pdk";

// Keys carry a prefix, so that a later version can keep other things beside the notes.
const PREFIX = "note/";

export function put(): i32 {
  const name = member("name");
  const text = member("text");
  if (name === null || text === null) return fail("Cannot keep the note: `name` or `text` is missing");
  const problem = kvSet(PREFIX + name, text).problem;
  if (problem !== null) return fail(`Cannot keep the note ${quote(name)}: ${problem}`);
  return answerText(`{"name":${quote(name)}}`);
}

export function get(): i32 {
  const name = member("name");
  if (name === null) return fail("Cannot read the note: `name` is missing");
  const answer = kvGet(PREFIX + name);
  if (answer.problem !== null) return fail(`Cannot read the note ${quote(name)}: ${answer.problem!}`);
  const text = answer.ok!.textOf("value");
  return answerText(`{"name":${quote(name)},"text":${text === null ? "null" : quote(text)}}`);
}

export function list(): i32 {
  const start = member("prefix");
  const answer = kvList(PREFIX + (start === null ? "" : start));
  if (answer.problem !== null) return fail("Cannot list the notes: " + answer.problem!);
  const keys = answer.ok!.get("keys");
  const names = new Array<string>();
  if (keys !== null) {
    for (let i = 0; i < keys.items.length; i++) {
      const key = keys.items[i];
      if (key.kind == Kind.String) names.push(quote(key.text.substring(PREFIX.length)));
    }
  }
  return answerText(`{"names":[${names.join(",")}]}`);
}

export function remove(): i32 {
  const name = member("name");
  if (name === null) return fail("Cannot remove the note: `name` is missing");
  const problem = kvDelete(PREFIX + name).problem;
  if (problem !== null) return fail(`Cannot remove the note ${quote(name)}: ${problem}`);
  return answerText(`{"name":${quote(name)}}`);
}

function member(key: string): string | null {
  const input: Json | null = parse(inputText());
  return input === null ? null : input.textOf(key);
}
