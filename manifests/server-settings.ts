import {
  bytesSetting,
  durationSetting,
  integerSetting,
  listSetting,
  pathSetting,
  textSetting,
} from "./setting.ts";

const address = {
  pattern: "^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$|^[0-9a-fA-F:]{2,39}$",
  expected: "be a host name or an address",
};
const hostAndPort = {
  pattern: "^(?:[A-Za-z0-9.-]{1,253}|\\[[0-9a-fA-F:]{2,39}\\])(?::[0-9]{1,5})?$",
  expected: "be a host name or an address, with or without :port",
};
const origin = {
  pattern: "^https?://[A-Za-z0-9.:\\[\\]-]{1,260}$",
  expected: "be an origin such as https://app.example.com",
};
const network = {
  pattern: "^[0-9a-fA-F.:]{2,39}/[0-9]{1,3}$",
  expected: "be a range of addresses such as 10.0.0.0/8",
};

/** The settings of the doors that listen. */
export const serverSettings = {
  "server.host": textSetting("127.0.0.1", { what: "Address to listen on", ...address }),
  "server.port": integerSetting(7700, {
    what: "Port to listen on; 0 takes any that is free",
    minimum: 0,
    maximum: 65_535,
  }),
  "server.tlsCert": pathSetting({ what: "Certificate chain in PEM", applies: "reload" }),
  "server.tlsKey": pathSetting({ what: "Private key in PEM", applies: "reload" }),
  "server.behindProxy": listSetting({
    what: "Addresses of proxies whose forwarded headers are believed",
    ...network,
  }),
  "server.allowedAddresses": listSetting({
    what: "Addresses that may ask over the network; all when none is named",
    applies: "reload",
    ...network,
  }),
  "server.refusedAddresses": listSetting({
    what: "Addresses that may not, whatever is allowed",
    applies: "reload",
    ...network,
  }),
  "server.allowedHosts": listSetting({
    what: "Values of the header Host that are answered besides loopback",
    applies: "reload",
    ...hostAndPort,
  }),
  "server.allowedOrigins": listSetting({
    what: "Values of the header Origin that are answered",
    applies: "reload",
    ...origin,
  }),
  "server.body": bytesSetting("9MiB", {
    what: "Largest body of a call; JSON around an input needs some, base64 a third more",
    minimum: "1KiB",
    maximum: "96MiB",
  }),
  "server.upload": bytesSetting("96MiB", {
    what: "Largest package that may be uploaded",
    minimum: "1KiB",
    maximum: "1GiB",
  }),
  "server.drain": durationSetting("20s", {
    what: "How long running calls may finish when the host stops",
    minimum: "0s",
    maximum: "10m",
    applies: "reload",
  }),
} as const;
