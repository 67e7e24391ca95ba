import {
  bytesSetting,
  durationSetting,
  integerSetting,
  pathSetting,
  textSetting,
} from "./setting.ts";

const wait = (written: string, what: string) =>
  durationSetting(written, { what, minimum: "10ms", maximum: "1h", applies: "reload" });
const budget = { minimum: 0, maximum: 1e12, applies: "reload" } as const;
const traffic = { minimum: "0B", maximum: "900TiB", applies: "reload" } as const;
const time = { minimum: "0s", maximum: "365d", applies: "reload" } as const;

/** The settings of requests that plugins send; a grant may allow less. */
export const networkSettings = {
  "network.connect": durationSetting("10s", {
    what: "How long a connection of a plugin may take to come about, TLS included",
    minimum: "10ms",
    maximum: "10m",
  }),
  "network.headers": wait("30s", "From a plugin's request to the last header of its answer"),
  "network.idle": wait("30s", "Between two pieces of the body of an answer"),
  "network.total": wait("5m", "A request of a plugin, from look-up to the end of the body"),
  "network.body": bytesSetting("16MiB", {
    what: "Largest body of an answer that a plugin gets in one piece, unpacked",
    minimum: "1KiB",
    maximum: "64MiB",
    applies: "reload",
  }),
  "network.memory": bytesSetting("512MiB", {
    what: "Memory of the host that answers to plugins may take at one time; one plugin has half of it",
    minimum: "1MiB",
    maximum: "64GiB",
    applies: "reload",
  }),
  "network.sockets": integerSetting(1_024, {
    what: "Connections of all plugins at one time",
    minimum: 1,
    maximum: 65_535,
  }),
  "network.socketsPerPlugin": integerSetting(256, {
    what: "Connections of one plugin at one time",
    minimum: 1,
    maximum: 65_535,
  }),
  "network.requestsPerCall": integerSetting(1_000, {
    what: "Requests that one call may send; 0 for no limit",
    ...budget,
  }),
  "network.trafficPerCall": bytesSetting("256MiB", {
    what: "Bytes that one call may send and receive; 0 for no limit",
    ...traffic,
  }),
  "network.waitPerCall": durationSetting("0s", {
    what: "Time that the requests of one call may wait together; 0 for no limit",
    ...time,
  }),
  "network.requestsPerDay": integerSetting(100_000, {
    what: "Requests that one plugin may send in a day of UTC; 0 for no limit",
    ...budget,
  }),
  "network.trafficPerDay": bytesSetting("10GiB", {
    what: "Bytes that one plugin may send and receive in a day of UTC; 0 for no limit",
    ...traffic,
  }),
  "network.waitPerDay": durationSetting("0s", {
    what: "Time that the requests of one plugin may wait in a day of UTC; 0 for no limit",
    ...time,
  }),
  "callers.trafficPerDay": bytesSetting("0B", {
    what: "Bytes that plugins may send and receive for one caller in a day of UTC; 0 for no limit",
    ...traffic,
  }),
  "network.proxy": textSetting("", {
    what: "Proxy through which plugins' requests go, as http://host:port; the environment names none",
    pattern: "^$|^http://(?:[A-Za-z0-9.-]{1,253}|\\[[0-9a-fA-F:]{2,39}\\]):[0-9]{1,5}$",
    expected: "be http://host:port, or empty for none",
  }),
  "network.extraCas": pathSetting({
    what: "Certificates in PEM that are believed besides Node's own, for requests of plugins",
  }),
} as const;
