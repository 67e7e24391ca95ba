import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { inPieces, redactorFor } from "#test/support/redacting.ts";
import type { Row } from "./table.ts";

const rounds = 10;
const bytesMin = 8_000_000;
const pieceBytes = 16_384;
/** Megabytes a second: a few times what a fast line brings. */
const bar = { whole: 400, pieces: 100 };

/** What it costs to look for secrets in answers that have none. */
export async function redaction(): Promise<readonly Row[]> {
  const text = ordinary();
  return [1, 5, 32].flatMap((count) => [
    row(`an answer searched for ${count} secrets, whole`, bar.whole / (count > 5 ? 4 : 1), () => {
      const { redactor } = redactorFor(valuesOf(count));
      return () => redactor.bytes(text).length;
    }),
    row(`the same in pieces of ${pieceBytes} bytes`, bar.pieces / (count > 5 ? 10 : 1), () => {
      const given = redactorFor(valuesOf(count));
      const cuts = Array.from(
        { length: Math.floor(text.length / pieceBytes) },
        (_, at) => at * pieceBytes,
      );
      return () => inPieces(given, text, cuts).length;
    }),
  ]);

  function row(what: string, least: number, make: () => () => number): Row {
    const turn = make();
    const figures = Array.from({ length: rounds }, () => {
      const startedAt = performance.now();
      const bytes = turn();
      return bytes / 1_000 / (performance.now() - startedAt);
    });
    const found = Math.max(...figures);
    const shown = `${Math.round(found)} MB/s`;
    return {
      ...{ what, ours: shown, beside: "without secrets bytes pass as they are" },
      ...{ figure: shown, bar: `at least ${least} MB/s`, ok: found >= least },
    };
  }
}

/** Source code, which is as good as any text of a server. */
function ordinary(): Buffer {
  const code = Buffer.concat(globSync("runtime/**/*.ts").map((path) => readFileSync(path)));
  return Buffer.concat(Array.from({ length: Math.ceil(bytesMin / code.length) }, () => code));
}

function valuesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const digest = createHash("sha256").update(`value ${index}`).digest("hex");
    return `ghp_${digest.slice(0, 36)}`;
  });
}
