import type { ConsentAsk } from "../../install.ts";
import { quoteUntrusted, untrustedLine, untrustedName } from "../../untrusted.ts";
import type { Painter } from "./terminal.ts";

/** What a number of tools is cut to; a plugin may offer hundreds. */
const toolsShownMax = 20;

const instanceWords = {
  fresh: "every call starts anew; nothing is kept between calls",
  warm: "state may be kept between the calls of one caller",
  single: "state is shared by all callers: what one sends, another may see",
} as const;

/**
 * Returns what an operator reads before saying yes. The words are ours; an author's are quoted.
 *
 * @param ask    texts in it are untrusted
 * @param paint  how a terminal marks words
 */
export function consentText(ask: ConsentAsk, paint: Painter): string {
  const warning = (text: string): string => `${paint("yellow", "warning:")} ${text}`;
  const name = `${untrustedName(ask.id)} ${untrustedName(ask.version)}`;
  return [
    `${paint("bold", name)} wants to be installed.`,
    ...(ask.signer === "unsigned"
      ? [warning("it is unsigned, from a local folder: nobody vouches for it")]
      : [`  signed by  ${untrustedName(ask.signer)}`]),
    ...ask.looksLike.map((other) =>
      warning(`its name could be mistaken for ${untrustedName(other)}, which is installed`),
    ),
    `  from       ${untrustedLine(ask.source)}`,
    `  digest     ${untrustedName(ask.digest)}`,
    `  replaces   ${ask.replaces === null ? "nothing" : `version ${untrustedName(ask.replaces)}`}`,
    `  tools      ${toolsText(ask.tools)}`,
    sharing(ask, warning),
    ...asksText(ask, paint),
  ].join("\n");
}

function sharing({ instances }: ConsentAsk, warning: (text: string) => string): string {
  const words = instanceWords[instances] ?? untrustedName(instances);
  return instances === "single" ? warning(words) : `  instances  ${words}`;
}

function toolsText(tools: readonly string[]): string {
  if (tools.length === 0) return "none";
  const shown = tools.slice(0, toolsShownMax).map(untrustedName).join(", ");
  const rest = tools.length - toolsShownMax;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

function asksText({ asks, dropped, replaces }: ConsentAsk, paint: Painter): string[] {
  const gone = dropped.map((words) => `  - no longer: ${untrustedLine(words)}`);
  if (asks.length === 0)
    return [
      "It asks for nothing: it can compute, and reach neither network, files nor secrets.",
      ...gone,
    ];
  const isUpdate = replaces !== null;
  const lines = asks.flatMap(({ words, untrustedReason, isNew }) => [
    `  - ${isNew && isUpdate ? paint("yellow", "new: ") : ""}${untrustedLine(words)}`,
    `    its author ${reasonText(untrustedReason)}`,
  ]);
  return [isUpdate ? "This version asks to:" : "It asks to:", ...lines, ...gone];
}

function reasonText(reason: string): string {
  return reason === "" ? "gives no reason" : `says: ${quoteUntrusted(reason, 300)}`;
}
