import {
  answerBytes,
  answerText,
  config,
  debug,
  error,
  fail as failWith,
  info,
  inputBytes,
  inputText,
  setVariable,
  trace,
  variable,
  warn,
} from "../../../../../plugin-sdk/assemblyscript/assembly/pdk";
import { kvGet, kvSet } from "../../../../../plugin-sdk/assemblyscript/assembly/host";
import { quote } from "../../../../../plugin-sdk/assemblyscript/assembly/json";

export function count_vowels(): i32 {
  const text = inputText();
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if ("aeiouAEIOU".includes(text.charAt(at))) count++;
  }
  return answerText(`{"count":${count}}`);
}

export function greet(): i32 {
  const name = inputText();
  const set = kvSet(name, name).problem;
  if (set !== null) return failWith(set);
  const found = kvGet(name).ok;
  if (found === null) return failWith("nothing was found");
  const value = found.textOf("value");
  if (value === null) return failWith("nothing was kept");
  return answerText(`{"greeting":${quote("Hello " + value)}}`);
}

export function echo(): i32 {
  return answerBytes(inputBytes());
}

export function fail(): i32 {
  return failWith("no: " + inputText());
}

export function rc(): i32 {
  return 7;
}

export function config_get(): i32 {
  const greeting = config("greeting");
  const other = config("toString");
  const first = greeting === null ? "null" : quote(greeting);
  return answerText(`{"greeting":${first},"toString":${other === null ? "null" : quote(other)}}`);
}

export function vars(): i32 {
  if (inputText() == "forget") {
    setVariable("count", null);
    return answerText(variable("count") === null ? "null" : "kept");
  }
  const before = variable("count");
  const count = (before === null ? 0 : I32.parseInt(before)) + 1;
  setVariable("count", count.toString());
  return answerText(count.toString());
}

export function log(): i32 {
  trace("trace ä 🦉");
  debug("debug ä 🦉");
  info("info ä 🦉");
  warn("warn ä 🦉");
  error("error ä 🦉");
  return answerText("logged");
}

export function trap(): i32 {
  unreachable();
  return 0;
}

export function panic(): i32 {
  throw new Error("that was too much");
}

export function big(): i32 {
  const bytes = Uint8Array.wrap(inputBytes());
  for (let at = 0; at < bytes.length; at++) bytes[at] += 1;
  return answerBytes(bytes.buffer);
}
