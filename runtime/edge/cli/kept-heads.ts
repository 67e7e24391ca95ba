import { parseStrictJson } from "#manifests/strict-json.ts";
import { readBounded, unusable } from "./files.ts";

/** An end of the audit that somebody kept. */
export interface Head {
  readonly seq: number;
  readonly digest: string;
  readonly at?: string;
  readonly key?: string;
  readonly signature?: string;
}

/** A year of heads every hour, each some 250 bytes. */
const fileBytesMax = 4 * 2 ** 20;
/** The newest vouch for all before them. */
const headsMax = 1_000;
const written = /^(\d{1,16}):(sha256:[0-9a-f]{64})$/;

/**
 * Returns heads as a person names them: `NUMBER:DIGEST`, or a file with JSON of them.
 *
 * @throws FILE_UNUSABLE
 */
export async function readHeads(named: string): Promise<readonly Head[]> {
  const [, seq, digest] = written.exec(named) ?? [];
  if (seq !== undefined && digest !== undefined) return [{ seq: Number(seq), digest }];
  const text = Buffer.from(await readBounded(named, fileBytesMax)).toString();
  const heads = documentsIn(named, text).flatMap(headsIn);
  if (heads.length === 0) throw unusable(named, "it holds no head of an audit");
  return heads.slice(-headsMax);
}

/** One document, or one a line. @throws FILE_UNUSABLE */
function documentsIn(named: string, text: string): unknown[] {
  try {
    return [parseStrictJson(Buffer.from(text))];
  } catch {
    try {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      return lines.map((line) => parseStrictJson(Buffer.from(line)));
    } catch (cause) {
      throw unusable(named, "it holds neither JSON nor NUMBER:DIGEST", cause);
    }
  }
}

function headsIn(value: unknown): Head[] {
  const { head, sealed, seq, digest, at, key, signature } = Object(value) as Record<
    string,
    unknown
  >;
  if (Array.isArray(sealed)) return [...sealed, head].flatMap(headsIn);
  if (typeof seq !== "number" || typeof digest !== "string") return [];
  return [
    {
      seq,
      digest,
      ...(typeof at === "string" && { at }),
      ...(typeof key === "string" && { key }),
      ...(typeof signature === "string" && { signature }),
    },
  ];
}
