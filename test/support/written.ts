import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseGrants } from "#manifests/grants.ts";
import type { ConsentAsk } from "#runtime/consent/asked.ts";
import type { InstallRequest, InstallStep } from "#runtime/install.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import type { PluginView } from "#runtime/host.ts";
import type { TestHost } from "./host.ts";
import { wat } from "./wat.ts";

/** Writes a plugin folder under the test's own, and returns its path. */
export async function writeFolder(
  { folder }: TestHost,
  name: string,
  manifest: Readonly<Record<string, unknown>>,
  module: string | Uint8Array,
): Promise<string> {
  const path = join(folder, "sources", name);
  await mkdir(path, { recursive: true });
  const bytes = typeof module === "string" ? await wat(module) : module;
  const text = { manifest: 1, id: name, version: "1.0.0", ...manifest };
  await writeFile(join(path, "manifest.json"), JSON.stringify(text));
  await writeFile(join(path, "plugin.wasm"), bytes);
  return path;
}

/** What is asked for, who says yes to it, and what was heard meanwhile. */
export interface InstallOptions {
  readonly answer?: Caller | undefined;
  /** What is granted instead of everything that is asked, as operators write it. */
  readonly grants?: unknown;
  /** Whether it may be a version below the highest that ever answered. */
  readonly allowDowngrade?: boolean;
  readonly onAsk?: (ask: ConsentAsk) => void;
  readonly onStep?: (step: InstallStep) => void;
}

/** Installs something; the home's owner says yes unless it is said otherwise. */
export function installFrom(
  { host }: TestHost,
  source: InstallRequest["source"] | string,
  options: InstallOptions = {},
): Promise<PluginView> {
  const { onAsk, onStep, grants, allowDowngrade = false } = options;
  return host.install({
    caller: owner,
    source: typeof source === "string" ? { kind: "path", path: source } : source,
    ...(onStep && { onStep }),
    allowDowngrade,
    consent: async (ask) => {
      onAsk?.(ask);
      const by = "answer" in options ? options.answer : owner;
      if (by === undefined) return undefined;
      return grants === undefined ? { by } : { by, grants: parseGrants(grants) };
    },
  });
}

/** Every file that the store of a home holds, sorted. */
export async function filesOf({ folder }: TestHost): Promise<string[]> {
  const found = await Promise.all(
    ["plugins", "modules", "staging"].map(async (part) => {
      const entries = await readdir(join(folder, "home", part), {
        recursive: true,
        withFileTypes: true,
      });
      return entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length));
    }),
  );
  return found.flat().sort();
}
