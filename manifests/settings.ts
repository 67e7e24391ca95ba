import { networkSettings } from "./network-settings.ts";
import { bookSettings } from "./book-settings.ts";
import {
  bytesSetting,
  choiceSetting,
  durationSetting,
  flagSetting,
  integerSetting,
  listSetting,
  textSetting,
} from "./setting.ts";
import { serverSettings } from "./server-settings.ts";

/**
 * Every setting of the host.
 *
 * Schema, defaults, names of environment variables, `config show` and the reference are made from
 * this table. Keys are `section.name`; in code a size ends in `Bytes` and a duration in `Ms`.
 */
export const settings = {
  ...serverSettings,

  "defaults.memory": bytesSetting("64MiB", {
    what: "Memory of an instance whose manifest names none, kernel included",
    minimum: "1MiB",
    maximum: "4GiB",
    applies: "reload",
  }),
  "defaults.timeout": durationSetting("30s", {
    what: "Time of a call from leaving the queue",
    minimum: "1ms",
    maximum: "1h",
    applies: "reload",
  }),
  "defaults.fuel": integerSetting(10_000_000_000, {
    what: "Instructions of a call",
    unit: "instructions",
    minimum: 1,
    maximum: 1e15,
    applies: "reload",
  }),
  "defaults.input": bytesSetting("8MiB", {
    what: "Input of a call",
    minimum: "1KiB",
    maximum: "1GiB",
    applies: "reload",
  }),
  "defaults.output": bytesSetting("8MiB", {
    what: "Output of a call",
    minimum: "1KiB",
    maximum: "1GiB",
    applies: "reload",
  }),
  "defaults.log": bytesSetting("64KiB", {
    what: "What one call may log",
    minimum: "0B",
    maximum: "16MiB",
    applies: "reload",
  }),
  "defaults.hostCalls": integerSetting(10_000, {
    what: "Host functions that one call may call",
    minimum: 0,
    maximum: 1e9,
    applies: "reload",
  }),

  "ceilings.memory": bytesSetting("512MiB", {
    what: "Highest memory that a manifest may ask for",
    minimum: "1MiB",
    maximum: "4GiB",
    applies: "reload",
  }),
  "ceilings.timeout": durationSetting("10m", {
    what: "Longest time that a manifest may ask for",
    minimum: "1ms",
    maximum: "1h",
    applies: "reload",
  }),
  "ceilings.fuel": integerSetting(1_000_000_000_000, {
    what: "Most instructions that a manifest may ask for",
    unit: "instructions",
    minimum: 1,
    maximum: 1e15,
    applies: "reload",
  }),
  "ceilings.input": bytesSetting("64MiB", {
    what: "Largest input that a manifest may ask for",
    minimum: "1KiB",
    maximum: "1GiB",
    applies: "reload",
  }),
  "ceilings.output": bytesSetting("64MiB", {
    what: "Largest output that a manifest may ask for",
    minimum: "1KiB",
    maximum: "1GiB",
    applies: "reload",
  }),
  "ceilings.log": bytesSetting("1MiB", {
    what: "Most that a manifest may ask to log in a call",
    minimum: "0B",
    maximum: "16MiB",
    applies: "reload",
  }),
  "ceilings.hostCalls": integerSetting(1_000_000, {
    what: "Most host functions that a manifest may ask to call in a call",
    minimum: 0,
    maximum: 1e9,
    applies: "reload",
  }),

  "runners.max": integerSetting(8, {
    what: "Runner processes at one time",
    minimum: 1,
    maximum: 256,
  }),
  "runners.idle": durationSetting("5m", {
    what: "When a runner without calls ends",
    minimum: "1s",
    maximum: "7d",
  }),
  "runners.share": flagSetting(false, {
    what: "Let plugins of several signers share a runner; saves memory, costs a wall",
  }),

  "pools.running": integerSetting(64, {
    what: "Calls of one plugin on the processor in one runner",
    minimum: 1,
    maximum: 1_024,
  }),
  "pools.suspended": integerSetting(5_000, {
    what: "Calls of one runner that wait for a host function",
    minimum: 1,
    maximum: 8_000,
  }),
  "pools.idle": durationSetting("1m", {
    what: "How long a warm instance without calls is kept",
    minimum: "1s",
    maximum: "1d",
  }),

  "queues.wait": durationSetting("5s", {
    what: "How long a call may wait for an instance",
    minimum: "0s",
    maximum: "10m",
    applies: "reload",
  }),
  "queues.perPlugin": integerSetting(10_000, {
    what: "Calls that may wait for one plugin",
    minimum: 1,
    maximum: 1_000_000,
    applies: "reload",
  }),
  "queues.perCaller": integerSetting(5_000, {
    what: "Calls of one caller that may wait for one plugin",
    minimum: 1,
    maximum: 1_000_000,
    applies: "reload",
  }),

  "callers.running": integerSetting(1_000, {
    what: "Calls of one caller at one time",
    minimum: 1,
    maximum: 1_000_000,
    applies: "reload",
  }),
  "callers.fuelPerSecond": integerSetting(0, {
    what: "Instructions a second of one caller; 0 for no limit",
    unit: "instructions/s",
    minimum: 0,
    maximum: 1e15,
    applies: "reload",
  }),
  "callers.ratePerMinute": integerSetting(60_000, {
    what: "Requests a minute of a key that names no other rate; 0 for no limit",
    unit: "requests/min",
    minimum: 0,
    maximum: 1e9,
    applies: "reload",
  }),

  "keys.days": integerSetting(90, {
    what: "Days until a new key expires that names no other time",
    unit: "days",
    minimum: 1,
    maximum: 3_650,
    applies: "reload",
  }),

  "log.level": choiceSetting("info", {
    what: "What the host logs about itself",
    choices: ["trace", "debug", "info", "warn", "error"],
    applies: "reload",
  }),
  "log.requests": flagSetting(false, { what: "Whether every request is a line of the host's log" }),
  "log.guestFile": bytesSetting("10MiB", {
    what: "Size at which a plugin's log begins a new file",
    minimum: "64KiB",
    maximum: "1GiB",
  }),
  "log.guestFiles": integerSetting(5, {
    what: "Files of a plugin's log that are kept",
    minimum: 1,
    maximum: 100,
  }),
  "log.guestLinesPerSecond": integerSetting(100, {
    what: "Lines a second that a plugin may log; beyond it they are counted and dropped",
    unit: "lines/s",
    minimum: 1,
    maximum: 100_000,
  }),

  "security.requireWalls": listSetting({
    what: "Walls around runners without which the host does not start",
    pattern: "^(?:process|node-permission|no-new-privileges|namespaces|seccomp|seatbelt)$",
    expected: "be process, node-permission, no-new-privileges, namespaces, seccomp or seatbelt",
  }),

  "requests.keep": durationSetting("7d", {
    what: "How long an install waits for somebody's consent",
    minimum: "1m",
    maximum: "365d",
    applies: "reload",
  }),

  "store.versions": integerSetting(3, {
    what: "Old versions of a plugin that are kept to go back to",
    minimum: 1,
    maximum: 100,
    applies: "reload",
  }),
  "store.grace": durationSetting("1h", {
    what: "How long files stay that nothing refers to",
    minimum: "1m",
    maximum: "30d",
    applies: "reload",
  }),
  "store.quota": bytesSetting("20GiB", {
    what: "What packages and modules may take together; an install beyond it is refused",
    minimum: "1MiB",
    maximum: "16TiB",
    applies: "reload",
  }),

  ...bookSettings,

  ...networkSettings,

  "trust.unsigned": choiceSetting("local", {
    what: "Whether unsigned code is admitted from local disk by the home's owner, or never",
    choices: ["local", "never"],
    applies: "reload",
  }),

  "vault.key": textSetting("auto", {
    what: "Where the key of the vault is: auto, keyring, environment, credential, file, file:/PATH or mounted:/PATH",
    pattern: "^(?:auto|keyring|environment|credential|file|(?:file|mounted):/.{1,4000})$",
    expected: "be auto, keyring, environment, credential, file, file:/PATH or mounted:/PATH",
  }),
  "secrets.onLeak": choiceSetting("redact", {
    what: "What a secret costs that is found on its way back: it is taken out, or its grant ends too",
    choices: ["redact", "revoke"],
    applies: "reload",
  }),
} as const;
