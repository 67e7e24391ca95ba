import type { AskedEntry, ConsentAsk, ToolChange } from "../../consent/asked.ts";
import { quoteUntrusted, untrustedLine, untrustedName } from "../../untrusted.ts";
import type { Painter } from "./terminal.ts";

/** What a number of tools, changes or warnings is cut to; a plugin may have hundreds. */
const shownMax = 20;
/** Columns of the verbs: the longest of ours has six letters. */
const verbColumns = 9;
/** Columns up to where reasons begin, when the words before them are not longer. */
const wordsColumns = 58;

const instanceWords = {
  fresh: "",
  warm: "it may keep state between the calls of one caller",
  single: "its state is shared by all callers: what one sends, another may see",
} as const;

/**
 * Returns what an operator reads before saying yes. The words are ours; an author's are quoted, and
 * can neither make a line of their own nor hide one.
 *
 * @param ask    texts in it are untrusted
 * @param paint  how a terminal marks words
 */
export function consentText(ask: ConsentAsk, paint: Painter): string {
  const warn = (text: string): string => `  ${paint("yellow", "warning:")} ${untrustedLine(text)}`;
  return [
    headline(ask, paint),
    ...asksText(ask, warn),
    ...toolsText(ask, paint),
    ...ask.together.map((words) => `  ${paint("yellow", "together:")} ${untrustedLine(words)}`),
    ...warningsOf(ask).map(warn),
    `  digest   ${untrustedName(ask.digest)}`,
  ].join("\n");
}

function headline(ask: ConsentAsk, paint: Painter): string {
  const { id, version, signer, source, replaces, asks, held } = ask;
  const name = paint("bold", `${untrustedName(id)} ${untrustedName(version)}`);
  const vouched = signer === "unsigned" ? "unsigned" : `signed by ${untrustedName(signer)}`;
  const from = `${vouched}, from ${untrustedLine(source)}`;
  if (replaces === null) {
    const rest = asks.length === 0 ? "asks for nothing: it can only compute" : "asks to";
    return `${name}, ${from}, ${rest}`;
  }
  const isNothingHeld = Object.values(held).every((part) => part === 1 || isEmpty(part));
  const stays = isNothingHeld ? "" : "; what it was granted stays";
  const rest = asks.length === 0 ? `asks for nothing more${stays}` : `asks for more${stays}`;
  return `${name}, ${from}, in place of ${untrustedName(replaces)}, ${rest}`;
}

function isEmpty(part: unknown): boolean {
  return part === null || (Array.isArray(part) && part.length === 0);
}

function asksText({ asks, dropped }: ConsentAsk, warn: (text: string) => string): string[] {
  return [
    ...asks.flatMap((entry) => entryText(entry, warn)),
    ...dropped.map((words) => `    no longer  ${untrustedLine(words)}`),
  ];
}

function entryText(asked: AskedEntry, warn: (text: string) => string): string[] {
  const { verb, words, untrustedReason, was, reaches, warnings } = asked;
  const reason = untrustedReason === "" ? "" : quoteUntrusted(untrustedReason, 200);
  const line = `    ${untrustedLine(verb).padEnd(verbColumns)}${untrustedLine(words)}`;
  const indent = " ".repeat(4 + verbColumns);
  const isLong = line.length > 4 + verbColumns + wordsColumns;
  return [
    ...(isLong || reason === ""
      ? [line, ...(reason === "" ? [] : [`${indent}${reason}`])]
      : [`${line.padEnd(4 + verbColumns + wordsColumns)} ${reason}`]),
    ...(was === null ? [] : [`${indent}instead of: ${untrustedLine(was)}`]),
    ...reaches.slice(0, shownMax).map((reached) => `${indent}${untrustedLine(reached)}`),
    ...warnings.slice(0, shownMax).map((each) => `  ${warn(each)}`),
  ];
}

function toolsText(ask: ConsentAsk, paint: Painter): string[] {
  const { tools, readOnly, toolChanges, callers } = ask;
  const changes = toolChanges.slice(0, shownMax).flatMap((each) => changeText(each, paint));
  const rest = toolChanges.length - shownMax;
  return [
    `  tools    ${namesText(tools)}`,
    ...(readOnly.length === 0
      ? []
      : [`  reading  ${namesText(readOnly)}: marked read-only, and held to it`]),
    ...(callers.length === 0
      ? []
      : [`  callers  ${namesText(callers)} may call it, and gain what it gains`]),
    ...changes,
    ...(rest > 0 ? [`  and ${rest} more tools changed`] : []),
  ];
}

function changeText({ tool, change, parts }: ToolChange, paint: Painter): string[] {
  const head = `  ${paint("yellow", `tool ${untrustedName(tool)}`)} ${untrustedLine(change)}`;
  const lines = parts.flatMap(({ what, untrustedBefore, untrustedAfter }) => [
    `    ${untrustedLine(what)}`,
    `      - ${quoteUntrusted(untrustedBefore, 500)}`,
    `      + ${quoteUntrusted(untrustedAfter, 500)}`,
  ]);
  return [head, ...lines];
}

function warningsOf({ signer, looksLike, instead, instances, isOlder }: ConsentAsk): string[] {
  return [
    ...(signer === "unsigned" ? ["it is unsigned: nobody vouches for who wrote it"] : []),
    ...(isOlder ? ["it is older than the version of now: what was mended since comes back"] : []),
    ...(instead === null
      ? []
      : [
          `another plugin is installed under this id, version ${untrustedName(instead.version)}, ` +
            `signed by ${untrustedName(instead.signer)}: it would be gone, with what it was granted`,
        ]),
    ...looksLike
      .slice(0, shownMax)
      .map((other) => `its name could be mistaken for ${untrustedName(other)}, which is installed`),
    ...[instanceWords[instances] ?? ""].filter((words) => words !== ""),
  ];
}

function namesText(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, shownMax).map(untrustedName).join(", ");
  const rest = names.length - shownMax;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
