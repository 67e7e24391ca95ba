import { callTool } from "../../../plugin-sdk/assemblyscript/assembly/host";
import { Json, Kind, parse, quote } from "../../../plugin-sdk/assemblyscript/assembly/json";
import { answerText, fail, inputText } from "../../../plugin-sdk/assemblyscript/assembly/pdk";
import { Tally } from "./tally";

// Silent reading of English prose: Brysbaert, "How many words do we read per minute?", 2019.
const WORDS_PER_MINUTE: f64 = 238;

// A request to the host may be 1 MiB; a unit of text takes six bytes of JSON at most.
const PIECE_UNITS: i32 = 100_000;

export function report(): i32 {
  const input = parse(inputText());
  const text: string | null = input === null ? null : input.textOf("text");
  if (input === null || text === null) return fail("Cannot report: `text` is missing");
  const speed = input.get("wordsPerMinute");
  const vowels = new Vowels(text);
  if (vowels.problem !== null) return fail("Cannot count the vowels: " + vowels.problem!);
  const tally = new Tally(text);
  const perMinute = speed !== null && speed.number > 0 ? speed.number : WORDS_PER_MINUTE;
  const seconds = <i64>Math.ceil((<f64>tally.words * 60) / perMinute);
  return answerText(
    `{"characters":${tally.characters},"words":${tally.words},"sentences":${tally.sentences},` +
      `"paragraphs":${tally.paragraphs},"lines":${tally.lines},` +
      `"longestWord":${quote(tally.longestWord)},"readingSeconds":${seconds},` +
      `"vowels":${vowels.count}}`,
  );
}

/** How many vowels the plugin `vowels` finds in a text, or why it cannot be asked. */
class Vowels {
  count: i64 = 0;
  problem: string | null = null;

  constructor(text: string) {
    for (let from = 0; from < text.length && this.problem === null; ) {
      const end = endOfPiece(text, from);
      this.ask(text.substring(from, end));
      from = end;
    }
  }

  ask(piece: string): void {
    const answer = callTool("count_vowels", quote(piece));
    const ok = answer.ok;
    const count: Json | null = ok === null ? null : ok.get("count");
    if (count !== null && count.kind == Kind.Number) this.count += <i64>count.number;
    else this.problem = ok === null ? answer.problem : "the answer has no `count`";
  }
}

// A piece never ends between the halves of a surrogate pair.
function endOfPiece(text: string, from: i32): i32 {
  const end = from + PIECE_UNITS;
  if (end >= text.length) return text.length;
  return (text.charCodeAt(end) & 0xfc00) == 0xdc00 ? end - 1 : end;
}
