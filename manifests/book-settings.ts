import {
  bytesSetting,
  choiceSetting,
  durationSetting,
  integerSetting,
  pathSetting,
  textSetting,
} from "./setting.ts";

/** Settings of the audit, of the disk that it lies on, and of what the operator is told. */
export const bookSettings = {
  "audit.sync": choiceSetting("answer", {
    what: "Whether a call is answered after its record is on the disk, or up to a second before, for slow disks: then a power cut loses what was acknowledged in that second",
    choices: ["answer", "second"],
    applies: "reload",
  }),
  "audit.keepDays": integerSetting(365, {
    what: "Days that finished files of the audit are kept; 0 for ever",
    unit: "days",
    minimum: 0,
    maximum: 36_500,
    applies: "reload",
  }),
  "audit.keep": bytesSetting("16GiB", {
    what: "Size beyond which the oldest finished files of the audit go; 0B for never",
    minimum: "0B",
    maximum: "900TiB",
    applies: "reload",
  }),
  "audit.heads": textSetting("", {
    what: "Where signed ends of the audit are sent: a file, syslog over UDP or TCP, or a program that reads JSON",
    pattern: "^(?:(?:file|command):/.{1,1000}|syslog:(?:udp|tcp)://[A-Za-z0-9.:\\[\\]-]{1,260})?$",
    expected: "be file:/PATH, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT or command:/PATH",
  }),
  "audit.headsEvery": durationSetting("1h", {
    what: "How often the end of the audit is sent when there is more of it",
    minimum: "1s",
    maximum: "30d",
  }),

  "storage.lowPercent": integerSetting(5, {
    what: "Share of the disk below which nothing is installed",
    unit: "%",
    minimum: 0,
    maximum: 90,
    applies: "reload",
  }),
  "storage.low": bytesSetting("512MiB", {
    what: "Room on the disk below which nothing is installed",
    minimum: "0B",
    maximum: "1TiB",
    applies: "reload",
  }),
  "storage.fullPercent": integerSetting(1, {
    what: "Share of the disk below which no call and no effect is admitted",
    unit: "%",
    minimum: 0,
    maximum: 90,
    applies: "reload",
  }),

  "events.url": textSetting("", {
    what: "Web hook that events are sent to: https, or http on this machine",
    pattern:
      "^(?:https://[^\\s/@]{1,260}(?:/[^\\s]{0,1700})?|http://(?:127\\.0\\.0\\.1|localhost|\\[::1\\])(?::[0-9]{1,5})?(?:/[^\\s]{0,1700})?)?$",
    expected: "be an https:// address without a user name, or http:// on this machine",
  }),
  "events.command": pathSetting({
    what: "Program that each event is given to, as JSON on its input",
  }),
  "events.secretFile": pathSetting({
    what: "File with the secret that signs events for the web hook",
  }),
} as const;
