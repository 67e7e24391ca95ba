import { covers } from "#manifests/keys.ts";
import { HostError } from "#manifests/errors.ts";
import type { BooksView } from "#runtime/books-view.ts";
import type { CallAnswer, CallRequest } from "#runtime/call.ts";
import type { Host, LiveCall, LogLine, PluginView } from "#runtime/host.ts";
import type { ConsentAsk } from "#runtime/consent/asked.ts";
import type { Caller, Keys, KeyView } from "#runtime/keys.ts";
import { askOf } from "./asks.ts";
import { createFakeGrants } from "./fake-grants.ts";
import { createFakeSecrets } from "./fake-secrets.ts";

/** A host in memory: what it was asked, and the means to let it answer. */
export interface FakeHost {
  readonly host: Host;
  /** Every act, in order, with who asked: `stop acme/weather by ada`. */
  readonly acts: readonly string[];
  /** Every call that reached the host. */
  readonly calls: readonly CallRequest[];
  /** Every request that a door turned away, as `KEY_MISSING GET /plugins`. */
  readonly refusals: readonly string[];
  /** Makes a key that holds scopes and returns its secret. */
  keyWith(scopes: readonly string[], more?: { ratePerMinute?: number; expired?: boolean }): string;
  /** Says a line in the log of every plugin. */
  log(text: string): void;
}

/** What answers calls; the default gives the input back. */
export type Answering = (request: CallRequest) => Promise<Pick<CallAnswer, "output">>;

const usage = { fuel: 12, wallMs: 1.5, memoryBytes: 65_536, hostCalls: 0 };

/**
 * Creates a fake host that throws what the real one throws.
 *
 * @param ids        installed plugins; each has the tools `echo` and `bytes`
 * @param answering  what calls do
 */
export function createFakeHost(
  ids: readonly string[] = ["vowels", "acme/weather"],
  answering: Answering = echo,
): FakeHost {
  const acts: string[] = [];
  const calls: CallRequest[] = [];
  const refusals: string[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  const plugins = new Map(ids.map((id) => [id, viewOf(id)]));
  const state = { accepting: true, live: new Map<string, LiveCall & { cancel(): void }>() };
  const keys = createFakeKeys(acts);
  const host: Host = {
    keys: keys.keys,
    plugins: createFakePlugins({ plugins, acts, listeners }),
    grants: createFakeGrants(acts, (id) => found(plugins, id)),
    secrets: createFakeSecrets(acts),
    requests: createFakeRequests(acts, plugins),
    ...createFakeStore(acts),
    network: { listensAt: () => ({ [Symbol.dispose]: () => {} }) },
    capabilities: [],
    async call(request) {
      calls.push(request);
      const [id = ""] = request.plugin.split("@");
      const plugin = found(plugins, id);
      const tool = request.tool ?? "echo";
      keys.keys.checkScope(request.caller, `invoke:${id}:${tool}`);
      if (!plugin.tools.some(({ name }) => name === tool))
        throw new HostError("TOOL_NOT_FOUND", { tool, plugin: id, tools: "echo, bytes" });
      const callId = `call-${calls.length}`;
      const cancelled = Promise.withResolvers<never>();
      const cancel = (): void => cancelled.reject(new HostError("CALL_CANCELLED", { plugin: id }));
      request.signal?.addEventListener("abort", cancel);
      state.live.set(callId, { ...liveOf(callId, id, request.caller), cancel });
      try {
        const { output } = await Promise.race([answering(request), cancelled.promise]);
        return { callId, plugin: id, version: "1.0.0", tool, output, usage };
      } finally {
        state.live.delete(callId);
      }
    },
    install: async () => viewOf("local/made"),
    calls: {
      list: (caller) =>
        [...state.live.values()]
          .filter(({ keyId }) => keyId === caller.id || covers(caller.scopes, "logs"))
          .map(({ cancel: _, ...call }) => call),
      async cancel(callId, by) {
        const call = state.live.get(callId);
        if (call === undefined || (call.keyId !== by.id && !covers(by.scopes, "admin")))
          throw new HostError("CALL_NOT_FOUND", { call: callId });
        call.cancel();
      },
    },
    ...createFakeBooks(acts, refusals),
    health: async () => ({
      status: state.accepting ? "ok" : "down",
      version: "0.1.0",
      uptimeSeconds: 1,
      checks: [{ name: "database", ok: true, detail: "answers" }],
      plugins: [],
      walls: [],
    }),
    metrics: async () => ({
      text: "convergio_up 1\n",
      contentType: "text/plain; version=0.0.4; charset=utf-8",
    }),
    configure: ({ log }) => void acts.push(`configure log.level ${log.level}`),
    walls: { standing: ["process", "node-permission"], trials: [] },
    get accepting() {
      return state.accepting;
    },
    async drain(graceMs) {
      acts.push(`drain ${graceMs}`);
      state.accepting = false;
      for (const { cancel } of state.live.values()) cancel();
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    host,
    acts,
    calls,
    refusals,
    keyWith: keys.keyWith,
    log(text) {
      const line = { at: "2026-01-01T00:00:00Z", callId: "call-1", level: "info", text };
      for (const onLine of listeners) onLine(line);
    },
  };
}

function createFakeBooks(acts: string[], refusals: string[]): BooksView {
  const nobody = { [Symbol.dispose]: () => {} };
  const digest = `sha256:${"0".repeat(64)}`;
  const head = { seq: 2, digest, at: "2026-01-01T00:00:00Z", key: "ed25519:A", signature: "B" };
  return {
    auditQuery: async (query) => [{ at: "2026-01-01T00:00:00Z", kind: "asked", ...query }],
    audit: {
      follow: () => nobody,
      heads: async () => ({ head, sealed: [] }),
      async verify({ heads = [] } = {}) {
        acts.push(`verify against ${heads.length} heads`);
        const none = { broken: null, notes: [], anchoredTo: null, seals: 0 };
        return { state: "consistent", records: 2, from: 1, to: head, ...none };
      },
      async *export() {
        yield Buffer.from('{"seq":1}\n{"seq":2}\n');
      },
      async prune(by, keep) {
        acts.push(`prune ${JSON.stringify(keep)} by ${by.owner}`);
        return 1;
      },
    },
    events: { recent: () => [], follow: () => nobody },
    // What is turned away is no act of anybody.
    refused: ({ code, target }) => void refusals.push(`${code} ${target}`),
  };
}

async function echo({ input }: CallRequest): Promise<Pick<CallAnswer, "output">> {
  return "json" in input
    ? { output: { encoding: "json", bytes: Buffer.from(input.json) } }
    : { output: { encoding: "bytes", bytes: input.bytes } };
}

function createFakeKeys(acts: string[]) {
  const held = new Map<string, { caller: Caller; expired: boolean }>();
  const views: KeyView[] = [];
  const keys: Keys = {
    authenticate(secret) {
      const key = held.get(secret);
      if (key === undefined) throw new HostError("KEY_UNKNOWN", {});
      if (key.expired) throw new HostError("KEY_EXPIRED", {});
      return key.caller;
    },
    checkScope(caller, action) {
      if (covers(caller.scopes, action)) return caller;
      throw new HostError("SCOPE_MISSING", { scope: action });
    },
    list: () => views,
    async create(by, request) {
      if (!request.scopes.every((scope) => covers(by.scopes, scope)))
        throw new HostError("KEY_ABOVE_MAKER", {});
      acts.push(`create ${request.name} by ${by.owner}`);
      const key = keyViewOf(`key-${views.length}`, request.owner, request.name, request.scopes);
      views.push(key);
      return { key, secret: `cvg_${key.id}` };
    },
    async rotate(by, id, overlapMinutes) {
      acts.push(`rotate ${id} over ${overlapMinutes} by ${by.owner}`);
      return { key: oneOf(views, id), secret: `cvg_${id}_again` };
    },
    async revoke(by, id) {
      acts.push(`revoke ${id} by ${by.owner}`);
      return oneOf(views, id);
    },
  };
  return {
    keys,
    keyWith(
      scopes: readonly string[],
      { ratePerMinute = 0, expired = false }: { ratePerMinute?: number; expired?: boolean } = {},
    ): string {
      const id = `held-${held.size}`;
      const secret = `cvg_${id}`;
      const caller = { kind: "key", id, owner: "ada", scopes, ratePerMinute } as const;
      held.set(secret, { caller, expired });
      return secret;
    },
  };
}

interface PluginParts {
  readonly plugins: Map<string, PluginView>;
  readonly acts: string[];
  readonly listeners: Set<(line: LogLine) => void>;
}

function createFakePlugins({ plugins, acts, listeners }: PluginParts): Host["plugins"] {
  const turn = (act: string, to: PluginView["state"]) => async (id: string, by: Caller) => {
    const plugin = { ...found(plugins, id), state: to };
    acts.push(`${act} ${id} by ${by.owner}`);
    plugins.set(id, plugin);
    return plugin;
  };
  return {
    list: () => [...plugins.values()],
    info: (id) => found(plugins, id),
    manifest: async (id) => ({ manifest: 1, id: found(plugins, id).id }),
    asset: async (id, path) => {
      if (path !== "index.html")
        throw new HostError("ASSET_NOT_FOUND", { plugin: found(plugins, id).id, path });
      return { bytes: Buffer.from("<p>hello</p>"), digest: "sha256:1" };
    },
    config: (id) => ({ of: found(plugins, id).id }),
    async setConfig(id, value, by) {
      const plugin = found(plugins, id).id;
      acts.push(`configure ${id} by ${by.owner}`);
      const config = value as Record<string, unknown>;
      if (config["units"] === "wrong")
        throw new HostError("CONFIG_INVALID", { plugin, path: "units", problem: "must be right" });
      return config;
    },
    enable: turn("enable", "active"),
    disable: turn("disable", "disabled"),
    stop: turn("stop", "stopped"),
    start: turn("start", "active"),
    async remove(id, by, { purge }) {
      found(plugins, id);
      acts.push(`remove ${id}${purge ? " and its data" : ""} by ${by.owner}`);
      plugins.delete(id);
    },
    async logs(id, limit) {
      found(plugins, id);
      const line = { at: "2026-01-01T00:00:00Z", callId: null, level: "info", text: "said" };
      return Array.from({ length: Math.min(limit, 3) }, () => line);
    },
    follow(id, onLine) {
      found(plugins, id);
      listeners.add(onLine);
      acts.push(`follow ${id}`);
      return {
        [Symbol.dispose]() {
          listeners.delete(onLine);
          acts.push(`unfollow ${id}`);
        },
      };
    },
  };
}

function createFakeRequests(acts: string[], plugins: Map<string, PluginView>): Host["requests"] {
  const waiting = new Map<number, ConsentAsk>();
  const notFound = (request: number) => new HostError("REQUEST_NOT_FOUND", { request });
  return {
    async begin({ caller, source, onStep }) {
      onStep?.("resolve");
      onStep?.("consent");
      const what =
        source.kind === "path"
          ? source.path
          : source.kind === "staged"
            ? source.release.id
            : `${source.bytes.length} bytes`;
      acts.push(`install ${source.kind} ${what} by ${caller.owner}`);
      const ask = askOf({ id: source.kind === "wasm" ? `local/${source.name}` : "acme/new" });
      if (source.kind !== "package") return { kind: "installed", plugin: viewOf(ask.id) };
      waiting.set(1, ask);
      return { kind: "waiting", request: 1, consentId: "consent-1", ask };
    },
    list: async () => [...waiting].map(([number, ask]) => requestOf(number, ask)),
    async show(number) {
      const ask = waiting.get(number);
      if (ask === undefined) throw notFound(number);
      return { ...requestOf(number, ask), request: number, consentId: "consent-1", ask };
    },
    async answer(which, { consentId, by, accept, grants, onStep }) {
      const number = "number" in which ? which.number : 1;
      const ask = waiting.get(number);
      if ("number" in which && ask === undefined) throw notFound(number);
      const isOther = "plugin" in which && ask?.id !== which.plugin;
      if (ask === undefined || isOther || consentId !== "consent-1")
        throw new HostError("CONSENT_NOT_FOUND", { consent: consentId });
      waiting.delete(number);
      onStep?.("activate");
      const some = grants === undefined ? "" : ` with ${JSON.stringify(grants)}`;
      acts.push(`${accept ? "accept" : "decline"} ${ask.id}${some} by ${by.owner}`);
      if (!accept) return null;
      plugins.set(ask.id, viewOf(ask.id));
      return viewOf(ask.id);
    },
  };
}

function requestOf(number: number, { id, version, digest, signer, source }: ConsentAsk) {
  const dates = { createdAt: "2026-01-01T00:00:00Z", expiresAt: "2026-01-08T00:00:00Z" };
  return { number, plugin: id, version, digest, signer, source, askedBy: "ada", ...dates };
}

function createFakeStore(acts: string[]): Pick<Host, "versions" | "store" | "backUp"> {
  const digest = `sha256:${"0".repeat(64)}`;
  return {
    versions: {
      list: async () => [
        {
          ...{ version: "1.0.0", digest, signer: "unsigned", standing: "active" },
          ...{ installedAt: "2026-01-01T00:00:00Z", activatedAt: "2026-01-01T00:00:00Z" },
        },
      ],
      async rollback(id, by, to) {
        acts.push(`rollback ${id} to ${to ?? "the one before"} by ${by.owner}`);
        if (to === "9.9.9") throw new HostError("VERSION_NOT_FOUND", { plugin: id, version: to });
        return { version: to ?? "0.9.0", digest, from: "1.0.0", lost: [] };
      },
    },
    async backUp({ path, by, onProgress }) {
      if (by.kind !== "owner") throw new HostError("OWNER_ONLY", { act: "make a backup" });
      acts.push(`back up to ${path} by ${by.owner}`);
      onProgress?.(1, 2);
      onProgress?.(2, 2);
      return { path, files: 3, bytes: 2, createdAt: "2026-01-01T00:00:00Z" };
    },
    store: {
      async collect(by, { dryRun }) {
        acts.push(`${dryRun ? "look for" : "collect"} garbage by ${by.owner}`);
        const versions = [{ plugin: "vowels", version: "0.1.0" }];
        return {
          dryRun,
          versions,
          orphans: 2,
          freedBytes: 2048,
          usedBytes: 4096,
          quotaBytes: 8192,
        };
      },
    },
  };
}

function found(plugins: ReadonlyMap<string, PluginView>, id: string): PluginView {
  const plugin = plugins.get(id);
  if (plugin === undefined) throw new HostError("PLUGIN_NOT_FOUND", { plugin: id });
  return plugin;
}

function oneOf(views: readonly KeyView[], id: string): KeyView {
  const view = views.find((key) => key.id === id);
  if (view === undefined) throw new HostError("KEY_NOT_FOUND", { key: id });
  return view;
}

function viewOf(id: string): PluginView {
  const tool = { description: "Gives back what it gets", input: {}, output: {} };
  return {
    id,
    version: "1.0.0",
    digest: `sha256:${"0".repeat(64)}`,
    name: id,
    description: "A plugin of a test",
    state: "active",
    reason: null,
    signer: "unsigned",
    source: "a test",
    instances: "fresh",
    installedAt: "2026-01-01T00:00:00Z",
    versions: ["1.0.0"],
    tools: [
      { name: "echo", encoding: "json", ...tool },
      { name: "bytes", encoding: "bytes", ...tool },
    ],
  };
}

function keyViewOf(id: string, owner: string, name: string, scopes: readonly string[]): KeyView {
  const createdAt = "2026-01-01T00:00:00Z";
  const dates = { createdAt, expiresAt: "2026-04-01T00:00:00Z", lastUsedAt: null, revokedAt: null };
  return { id, owner, name, scopes, ratePerMinute: 600, ...dates };
}

function liveOf(callId: string, plugin: string, { id, owner }: Caller): LiveCall {
  return {
    callId,
    plugin,
    version: "1.0.0",
    tool: "echo",
    owner,
    keyId: id,
    state: "running",
    startedAt: "2026-01-01T00:00:00Z",
    ageMs: 1,
  };
}
