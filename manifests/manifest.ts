import { checkUnique } from "./capabilities/terms.ts";
import { createCheck } from "./check.ts";
import { type AuthorSchema, parsedAt, type Refuse } from "./document.ts";
import { HostError } from "./errors.ts";
import type { ManifestText, ToolText } from "./manifest-schema.ts";
import { manifestSchema } from "./manifest-schema.ts";
import {
  parsePluginId,
  parseRange,
  parseToolName,
  parseVersion,
  type PluginId,
  type Range,
  type ToolName,
  type Version,
} from "./names.ts";
import { limitsAsked, type PluginLimits } from "./plugin-limits.ts";
import { parseStrictJson } from "./strict-json.ts";
import { type Uses, usesNothing, usesOf } from "./uses.ts";

/** How input and output of a tool travel; `raw` is for modules that came without a manifest. */
export type Encoding = "json" | "text" | "bytes" | "raw";

/** A tool that a plugin provides. */
export interface Tool {
  readonly name: ToolName;
  /** Untrusted text of the author. */
  readonly description: string;
  /** Null when any input will do. */
  readonly input: AuthorSchema | null;
  /** Null when any output will do. */
  readonly output: AuthorSchema | null;
  /** The function of the module that is called. */
  readonly export: string;
  readonly encoding: Encoding;
  readonly annotations: {
    readonly title: string | null;
    readonly readOnly: boolean;
    readonly destructive: boolean;
    readonly idempotent: boolean;
    readonly openWorld: boolean;
  };
}

/** The exports that the host calls when something happens to the plugin. */
export interface Lifecycle {
  readonly load?: string;
  readonly unload?: string;
  readonly config?: string;
  readonly health?: string;
}

/** How instances live: one a call, one kept for a caller, or one for everybody. */
export type Instances = "fresh" | "warm" | "single";

/** What a package says about itself, checked and with everything that was left out filled in. */
export interface Manifest {
  readonly manifest: 1;
  readonly id: PluginId;
  readonly version: Version;
  /** Untrusted text, as description and author. */
  readonly name: string;
  readonly description: string;
  readonly author: string | null;
  readonly license: string | null;
  readonly homepage: string | null;
  readonly host: Range;
  /** Path of the module inside the package; never leaves it. */
  readonly wasm: string;
  readonly provides: { readonly tools: readonly Tool[] };
  readonly uses: Uses;
  readonly config: AuthorSchema | null;
  /** What the author asks for; `checkLimits` says what holds. */
  readonly limits: Partial<PluginLimits>;
  readonly instances: Instances;
  readonly lifecycle: Lifecycle;
  readonly licensing: null;
}

/** Bytes of a manifest: a hundred times an honest one, and quick to refuse. */
export const manifestBytesMax = 2 ** 20;

const file = "manifest.json";
const refuse: Refuse = (path, problem) =>
  new HostError("MANIFEST_INVALID", { file, path, problem });
const check = createCheck(manifestSchema, ({ path, problem }) => refuse(path, problem));

/**
 * Returns what a `manifest.json` says.
 *
 * @param bytes  UTF-8 JSON, at most `manifestBytesMax`; untrusted
 * @throws MANIFEST_INVALID, JSON_INVALID
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  return toManifest(check(parseStrictJson(bytes, { what: file, bytesMax: manifestBytesMax })));
}

/**
 * Returns the manifest that the host makes for a module that came without one.
 *
 * Every function that could be a tool is one, under its own name as far as tools may have it; the
 * plugin asks for nothing.
 *
 * @param exportNames  names of exported functions without parameters; untrusted
 */
export function manifestOfRaw(id: PluginId, exportNames: readonly string[]): Manifest {
  const tools = new Map<string, { name: string; export: string }>();
  for (const exported of exportNames.filter(isCallable)) {
    const name = exported.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64);
    if (!tools.has(name)) tools.set(name, { name, export: exported });
  }
  const manifest = toManifest({
    manifest: 1,
    id,
    version: "0.0.0",
    description: "A module that came without a manifest",
    provides: { tools: [...tools.values()] },
  });
  const raw = manifest.provides.tools.map((tool) => ({ ...tool, encoding: "raw" as const }));
  return { ...manifest, provides: { tools: raw } };
}

/** Exports that toolchains make for themselves, and hooks, which only the host calls. */
function isCallable(exported: string): boolean {
  return (
    /^[!-~]{1,128}$/.test(exported) &&
    !/^(?:_start|_initialize|malloc|free|__.*|hs_.*|asyncify_.*|on_.*)$/.test(exported)
  );
}

function toManifest(written: ManifestText): Manifest {
  const { provides, uses, config, limits = {}, instances = "fresh", lifecycle = {} } = written;
  const id = parsePluginId(written.id);
  const tools = provides.tools ?? [];
  checkUnique(tools, "name", "provides.tools", refuse);
  return {
    manifest: 1,
    id,
    version: parsedAt("version", written.version, parseVersion, refuse),
    name: written.name ?? id.slice(id.indexOf("/") + 1),
    description: written.description ?? "",
    author: written.author ?? null,
    license: written.license ?? null,
    homepage: written.homepage ?? null,
    host: parsedAt("host", written.host ?? "*", parseRange, refuse),
    wasm: written.wasm ?? "plugin.wasm",
    provides: { tools: tools.map(toTool) },
    uses: uses === undefined ? usesNothing : usesOf(uses, refuse),
    config: config ?? null,
    limits: limitsAsked(limits, refuse),
    instances,
    lifecycle,
    licensing: null,
  };
}

function toTool(written: ToolText, index: number): Tool {
  const { title = null, readOnly = false, destructive = false } = written.annotations ?? {};
  const { idempotent = false, openWorld = false } = written.annotations ?? {};
  if (readOnly && destructive)
    throw refuse(
      `provides.tools[${index}].annotations`,
      "must not say both readOnly and destructive",
    );
  return {
    name: parseToolName(written.name),
    description: written.description ?? "",
    input: written.input ?? null,
    output: written.output ?? null,
    export: written.export ?? written.name,
    encoding: written.encoding ?? "json",
    annotations: { title, readOnly, destructive, idempotent, openWorld },
  };
}
