import assert from "node:assert/strict";

/** What a call must come to: a value, bytes, what a function finds right, or the end of the call. */
export type Outcome =
  | { readonly gives: unknown }
  /** The same, or an end of the call: a guest that is short of memory may fail, and never lie. */
  | { readonly givesOrEnds: unknown }
  | { readonly fits: (value: unknown) => void }
  | { readonly ends: string; readonly says: string };

/** One call: a text, or bytes for the tools `echo` and `big`. */
export type Step = {
  readonly tool: string;
  readonly input?: string | Uint8Array;
  /** What is logged meanwhile, level and text. */
  readonly logs?: readonly (readonly [level: string, text: string])[];
} & Outcome;

/** A promise to guests in every language. */
export interface Case {
  readonly name: string;
  /** How instances live; `fresh` unless said otherwise. */
  readonly instances?: "single";
  readonly steps: readonly Step[];
}

/** What the guests are configured with. */
export const greeting = 'Moin "ä" 🦉';

/** The memory that each guest may have: one copy of `muchInput` more than its input needs. */
export const memory = "24MiB";

const muchInput = new Uint8Array(8 * 1024 * 1024).fill(7);
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const megabyte = Uint8Array.from(
  { length: 1024 * 1024 },
  (_, index) => (index * 7 + index / 256) % 251,
);

/** What every language's guest must do, in the words of its tools; those it has not are left out. */
export const cases: readonly Case[] = [
  {
    name: "text in, JSON out",
    steps: [
      { tool: "count_vowels", input: "Hello World", gives: { count: 3 } },
      { tool: "count_vowels", input: "", gives: { count: 0 } },
      { tool: "count_vowels", input: "ä 🦉 e\u0301 I", gives: { count: 2 } },
      { tool: "count_vowels", input: "hello ".repeat(10_000), gives: { count: 20_000 } },
    ],
  },
  {
    name: "a host function is asked and answers",
    steps: [
      { tool: "greet", input: "Ada", gives: { greeting: "Hello Ada" } },
      { tool: "greet", input: 'A"d\\a ä 🦉', gives: { greeting: 'Hello A"d\\a ä 🦉' } },
    ],
  },
  {
    name: "a refusal of a host function is an answer to the guest",
    steps: [
      { tool: "greet", input: "", ends: "PLUGIN_ERROR", says: "HOST_REQUEST_INVALID" },
      { tool: "greet", input: "x".repeat(600), ends: "PLUGIN_ERROR", says: "HOST_REQUEST_INVALID" },
    ],
  },
  {
    name: "bytes go through unchanged, whatever their number",
    steps: [
      { tool: "echo", input: everyByte, gives: everyByte },
      ...[0, 1, 7, 8, 9, 15, 16, 17].map((length) => {
        const bytes = everyByte.subarray(200, 200 + length);
        return { tool: "echo", input: bytes, gives: bytes };
      }),
    ],
  },
  {
    name: "a megabyte goes in and out",
    steps: [{ tool: "big", input: megabyte, gives: megabyte.map((byte) => byte + 1) }],
  },
  {
    name: "an answer that there is no memory for is an error and never an empty one",
    steps: [{ tool: "echo", input: muchInput, givesOrEnds: muchInput }],
  },
  {
    name: "an error is the guest's own words",
    steps: [{ tool: "fail", input: "ä 🦉", ends: "PLUGIN_ERROR", says: ": no: ä 🦉" }],
  },
  {
    name: "a code other than 0 is an error, also without words",
    steps: [{ tool: "rc", ends: "PLUGIN_ERROR", says: "Returned non-zero exit code: 7" }],
  },
  {
    name: "the configuration can be read, and has nothing that nobody set",
    steps: [{ tool: "config_get", gives: { greeting, toString: null } }],
  },
  {
    name: "variables are gone with a fresh instance",
    steps: [
      { tool: "vars", gives: 1 },
      { tool: "vars", gives: 1 },
    ],
  },
  {
    name: "variables live as long as the instance, and no longer than a trap",
    instances: "single",
    steps: [
      { tool: "vars", gives: 1 },
      { tool: "vars", gives: 2 },
      { tool: "fail", input: "", ends: "PLUGIN_ERROR", says: "no: " },
      { tool: "vars", gives: 3 },
      { tool: "vars", input: "forget", gives: null },
      { tool: "vars", gives: 1 },
      { tool: "vars", gives: 2 },
      { tool: "trap", ends: "PLUGIN_TRAPPED", says: "" },
      { tool: "vars", gives: 1 },
    ],
  },
  {
    name: "log lines arrive with their level, from info on",
    steps: [
      {
        tool: "log",
        gives: "logged",
        logs: ["info", "warn", "error"].map((level) => [level, `${level} ä 🦉`] as const),
      },
    ],
  },
  {
    name: "a trap is told from an error",
    steps: [{ tool: "trap", ends: "PLUGIN_TRAPPED", says: "its code crashed" }],
  },
  {
    name: "a panic of the language says why",
    steps: [{ tool: "panic", ends: "PLUGIN_ERROR", says: "that was too much" }],
  },
  {
    name: "chance differs from instance to instance, and the clock goes",
    steps: randomAndClock(),
  },
];

function randomAndClock(): readonly Step[] {
  const seen = new Set<unknown>();
  const fits = (value: unknown): void => {
    const { random, wallMs, passedNs } = value as Record<string, unknown>;
    assert.match(String(random), /^[0-9a-f]{32}$/);
    assert(!seen.has(random));
    seen.add(random);
    assert(Math.abs(Number(wallMs) - Date.now()) < 60_000, String(wallMs));
    assert(Number(passedNs) >= 0 && Number(passedNs) < 60e9, String(passedNs));
  };
  return [
    { tool: "random_and_clock", fits },
    { tool: "random_and_clock", fits },
  ];
}
