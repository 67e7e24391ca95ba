import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes sample calls into the folder of a plugin; names follow their places. */
export async function writeSamples(
  folder: string,
  samples: readonly Readonly<Record<string, unknown>>[],
): Promise<string> {
  await mkdir(join(folder, "samples"), { recursive: true });
  for (const [index, sample] of samples.entries()) {
    const text = JSON.stringify({ sample: 1, ...sample });
    await writeFile(join(folder, "samples", `${index}.json`), text);
  }
  return folder;
}
