import type { Tool } from "#manifests/manifest.ts";
import type { ToolChange } from "./asked.ts";

/** Characters of a text that are shown; a change beyond them is shown from where it begins. */
const shownCharsMax = 400;
/** What of a text is shown before the first change. */
const leadChars = 40;

/** Returns what changed of the tools of a plugin, in the order of the new version. */
export function toolChanges(before: readonly Tool[], after: readonly Tool[]): ToolChange[] {
  const old = new Map<string, Tool>(before.map((tool) => [tool.name, tool]));
  const came = after.flatMap((tool): ToolChange[] => {
    const known = old.get(tool.name);
    old.delete(tool.name);
    if (known === undefined) return [{ tool: tool.name, change: "added", parts: [] }];
    const parts = partsOf(known, tool);
    return parts.length === 0 ? [] : [{ tool: tool.name, change: "changed", parts }];
  });
  const gone = [...old.keys()].map((tool): ToolChange => ({ tool, change: "removed", parts: [] }));
  return [...came, ...gone];
}

const texts = {
  description: (tool: Tool) => tool.description,
  input: (tool: Tool) => JSON.stringify(tool.input) ?? "",
  output: (tool: Tool) => JSON.stringify(tool.output) ?? "",
  annotations: (tool: Tool) => annotationsText(tool),
  encoding: (tool: Tool) => tool.encoding,
} as const;

function partsOf(before: Tool, after: Tool): ToolChange["parts"] {
  return Object.entries(texts).flatMap(([what, textOf]) => {
    const [old, now] = [textOf(before), textOf(after)];
    if (old === now) return [];
    const start = Math.max(0, firstDifference(old, now) - leadChars);
    return [
      {
        what: what as keyof typeof texts,
        untrustedBefore: pieceOf(old, start),
        untrustedAfter: pieceOf(now, start),
      },
    ];
  });
}

function annotationsText({ annotations }: Tool): string {
  const { title, ...flags } = annotations;
  const set = Object.entries(flags).filter(([, value]) => value);
  const names = set.map(([name]) => name).join(", ") || "none";
  return title === null ? names : `${names}, title ${title}`;
}

function firstDifference(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}

function pieceOf(text: string, start: number): string {
  const piece = text.slice(start, start + shownCharsMax);
  const rest = text.length - start - piece.length;
  return `${start > 0 ? "…" : ""}${piece}${rest > 0 ? `… (${rest} more)` : ""}`;
}
