import Type, { type TSchema } from "typebox";
import { duration, matching, prose, size } from "./document.ts";
import { bytesText, durationText, parseBytes, parseDuration } from "./units.ts";

/** How a setting is written and what it becomes: sizes become bytes, durations milliseconds. */
export type SettingKind =
  | "bytes"
  | "duration"
  | "integer"
  | "text"
  | "path"
  | "list"
  | "flag"
  | "choice";

/** One setting of the host: everything that is known about it stands here and nowhere else. */
export interface Setting<Kind extends SettingKind = SettingKind, Value = unknown> {
  readonly kind: Kind;
  readonly default: Value;
  /** What it means, for the reference and for editors. */
  readonly what: string;
  /** Unit of the value in code and in ranges: `bytes`, `ms`, `requests/min`, or nothing. */
  readonly unit: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly string[];
  /** Whether a reload applies it, or only a start. */
  readonly applies: "reload" | "start";
  /** The form in the configuration file. */
  readonly schema: TSchema;
}

/** What a kind of setting needs besides its default. */
interface Words {
  readonly what: string;
  readonly applies?: "reload" | "start";
}
interface Bounds extends Words {
  readonly minimum: number | string;
  readonly maximum: number | string;
  readonly unit?: string;
}

/** A setting written as a size such as `64MiB`. */
export function bytesSetting(written: string, bounds: Bounds): Setting<"bytes", number> {
  const { what, applies = "start" } = bounds;
  const [minimum, maximum] = [bounds.minimum, bounds.maximum].map((size) => parseBytes(`${size}`));
  const base = { kind: "bytes", what, applies, unit: "bytes", schema: size(what) } as const;
  return { ...base, default: parseBytes(written), ...range(minimum, maximum) };
}

/** A setting written as a duration such as `5s`. */
export function durationSetting(written: string, bounds: Bounds): Setting<"duration", number> {
  const { what, applies = "start" } = bounds;
  const [minimum, maximum] = [bounds.minimum, bounds.maximum].map((time) =>
    parseDuration(`${time}`),
  );
  const base = { kind: "duration", what, applies, unit: "ms", schema: duration(what) } as const;
  return { ...base, default: parseDuration(written), ...range(minimum, maximum) };
}

/** A setting that is a whole number. */
export function integerSetting(value: number, bounds: Bounds): Setting<"integer", number> {
  const { what, applies = "start", unit = "" } = bounds;
  const schema = Type.Integer({ description: what });
  const base = { kind: "integer", what, applies, unit, schema } as const;
  return { ...base, default: value, ...range(Number(bounds.minimum), Number(bounds.maximum)) };
}

/** A setting that is a text with a grammar. */
export function textSetting(
  value: string,
  form: Words & { readonly pattern: string; readonly expected: string },
): Setting<"text", string> {
  const { what, applies = "start", pattern, expected } = form;
  const schema = matching(pattern, expected, what);
  return { kind: "text", default: value, what, applies, unit: "", schema };
}

/** A setting that names a file of this machine, or nothing. */
export function pathSetting({ what, applies = "start" }: Words): Setting<"path", string | null> {
  const schema = Type.Union([prose(4_096, what), Type.Null()], {
    description: what,
    errorMessage: "be the path of a file, or null",
  });
  return { kind: "path", default: null, what, applies, unit: "", schema };
}

/** A setting that is a list of texts with a grammar; in the environment, between commas. */
export function listSetting(
  form: Words & { readonly pattern: string; readonly expected: string },
): Setting<"list", readonly string[]> {
  const { what, applies = "start", pattern, expected } = form;
  const items = matching(pattern, expected);
  const schema = Type.Array(items, { maxItems: 256, uniqueItems: true, description: what });
  return { kind: "list", default: [], what, applies, unit: "", schema };
}

/** A setting that is on or off. */
export function flagSetting(value: boolean, words: Words): Setting<"flag", boolean> {
  const { what, applies = "start" } = words;
  const schema = Type.Boolean({ description: what });
  return { kind: "flag", default: value, what, applies, unit: "", schema };
}

/** A setting that is one of a few words. */
export function choiceSetting<const Choice extends string>(
  value: NoInfer<Choice>,
  form: Words & { readonly choices: readonly Choice[] },
): Setting<"choice", Choice> {
  const { what, applies = "start", choices } = form;
  const schema = Type.Enum([...choices], { description: what });
  return { kind: "choice", default: value, what, applies, unit: "", schema, choices };
}

/**
 * Returns the value of a setting from its form in the configuration file.
 *
 * @param written  fits `setting.schema`
 */
export function toValue(setting: Setting, written: unknown): unknown {
  if (setting.kind === "bytes") return parseBytes(String(written));
  if (setting.kind === "duration") return parseDuration(String(written));
  return written;
}

/** Returns what is wrong with a value outside its range: `must be from 1s to 10m, …`. */
export function rangeProblem(setting: Setting, value: unknown): string | undefined {
  const { minimum, maximum } = setting;
  if (typeof value !== "number" || minimum === undefined || maximum === undefined) return undefined;
  if (value >= minimum && value <= maximum) return undefined;
  const [low, high, found] = [minimum, maximum, value].map((each) => valueText(setting, each));
  return `must be from ${low} to ${high}, found ${found}`;
}

/** Returns the form in the configuration file of an environment variable's text; untrusted. */
export function writtenOf(setting: Setting, text: string): unknown {
  if (setting.kind === "integer") return /^-?[0-9]{1,16}$/.test(text) ? Number(text) : text;
  if (setting.kind === "flag") return text === "true" ? true : text === "false" ? false : text;
  if (setting.kind === "list") return text === "" ? [] : text.split(",").map((item) => item.trim());
  if (setting.kind === "path") return text === "" ? null : text;
  return text;
}

/** Returns a value as people write it: `64MiB`, `5s`, `a, b`. */
export function valueText(setting: Setting, value: unknown): string {
  if (setting.kind === "bytes") return bytesText(Number(value));
  if (setting.kind === "duration") return durationText(Number(value));
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function range(minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  return { minimum, maximum };
}
