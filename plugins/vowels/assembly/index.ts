import { answerText, config, inputText } from "../../../plugin-sdk/assemblyscript/assembly/pdk";
import { quote } from "../../../plugin-sdk/assemblyscript/assembly/json";

/** Counts over all calls of this instance: the plugin is `single`, so over all calls of the plugin. */
let total: i64 = 0;

export function count_vowels(): i32 {
  const setting = config("vowels");
  const vowels = setting === null ? "aeiouAEIOU" : setting;
  const count = countOf(inputText(), vowels);
  total += count;
  return answerText(`{"count":${count},"total":${total},"vowels":${quote(vowels)}}`);
}

// Compares characters (code points), so that a vowel beyond U+FFFF is one and not two.
function countOf(text: string, vowels: string): i32 {
  const wanted = new Set<i32>();
  for (let at = 0; at < vowels.length; at += unitsOf(vowels.codePointAt(at))) {
    wanted.add(vowels.codePointAt(at));
  }
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const character = text.codePointAt(at);
    if (wanted.has(character)) count++;
    at += unitsOf(character);
  }
  return count;
}

function unitsOf(character: i32): i32 {
  return character > 0xffff ? 2 : 1;
}
