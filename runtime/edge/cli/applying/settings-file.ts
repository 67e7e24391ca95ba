import { fileSource, resolveConfig } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import { homeFiles } from "../../../environment.ts";
import { readBounded, writeOutput } from "../files.ts";

/** Sections of a configuration file, as they stand in it. */
export type Sections = Readonly<Record<string, unknown>>;

/** Bytes of a configuration file; one with every setting has a hundredth. */
const bytesMax = 2 ** 20;

/** Returns what stands in the configuration file of a home, if there is one. @throws JSON_INVALID */
export async function readSections(home: string): Promise<Sections> {
  const file = homeFiles(home).config;
  try {
    const value = parseStrictJson(await readBounded(file, bytesMax), { what: file, bytesMax });
    return Object(value) as Sections;
  } catch (error) {
    const { code, facts } = error instanceof HostError ? error : {};
    const isAbsent = code === "FILE_UNUSABLE" && Object(facts).problem === "it cannot be found";
    if (isAbsent) return {};
    throw error;
  }
}

/** Checks sections and writes them as the configuration file of a home. @throws SETTINGS_INVALID */
export async function writeSections(home: string, sections: Sections): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(sections, undefined, 2)}\n`);
  resolveConfig([fileSource(bytes, "the settings that are to be")]);
  await writeOutput(homeFiles(home).config, bytes);
}
