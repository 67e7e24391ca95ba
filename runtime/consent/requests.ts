import { parseGrants } from "#manifests/grants.ts";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { readPackage } from "#registry/package.ts";
import type { Audit } from "../audit.ts";
import type { Clock } from "../clock.ts";
import type { PluginView } from "../host.ts";
import type { InstallRequest, Release, Yes } from "../install.ts";
import type { Caller } from "../keys.ts";
import type { RequestRecord, RequestStore } from "../store/requests.ts";
import type { WaitingPackages } from "../store/waiting.ts";
import { Turns } from "../turns.ts";
import type { ConsentAsk } from "./asked.ts";
import {
  type Begun,
  type ConsentAnswer,
  type InstallAnswer,
  type Requests,
  type RequestView,
  toRequestView,
  type Waiting,
} from "./waiting.ts";
import { consentIdOf } from "./consent.ts";
import { checkHuman } from "./human.ts";
import { checkRoom } from "./room.ts";
import type { Question } from "./asked-for.ts";

/** Installs at one time: each holds a package of up to 64 MiB in memory. */
const runningMax = 16;
const nonceBytes = 24;
/** How late it may be seen that a request is over, when nobody asks. */
const sweepMs = 3_600_000;

/** What requests need of the host. */
export interface RequestParts {
  readonly clock: Clock;
  readonly audit: Audit;
  readonly store: RequestStore;
  readonly packages: WaitingPackages;
  readonly install: (request: InstallRequest) => Promise<PluginView>;
  readonly question: (release: Release) => Question;
  /** Digest of the version of a plugin that answers now. */
  readonly activeDigest: (plugin: string) => string | undefined;
  /** Hears of each request that waits from now on. */
  readonly tell: (request: RequestRecord) => void;
  /** How long a request waits; read anew, for it may be reloaded. */
  readonly keepMs: () => number;
}

/** Returns the requests of a host, as they were when it ended; what is over is let go until disposed. */
export async function openRequests(parts: RequestParts): Promise<Requests & Disposable> {
  const records = await parts.store.all();
  const kept = await parts.packages.present();
  // A home that was restored has no packages that wait.
  const [whole, lost] = [true, false].map((is) => records.filter((r) => kept.has(r.digest) === is));
  for (const { number } of lost ?? []) await parts.store.remove(number);
  const board = new RequestBoard(parts, whole ?? []);
  await board.sweep();
  // Whatever keeps it from being written down is told by the next who asks.
  const timer = setInterval(() => void board.sweep().catch(() => {}), sweepMs).unref();
  return Object.assign(board, { [Symbol.dispose]: () => clearInterval(timer) });
}

/** @throws INSTALLS_BUSY, REQUESTS_FULL, REQUEST_NOT_FOUND, CONSENT_NOT_FOUND, CONSENT_OUTDATED */
class RequestBoard implements Requests {
  readonly #parts: RequestParts;
  readonly #records: Map<number, RequestRecord>;
  /** Numbers that somebody is answering. */
  readonly #answering = new Set<number>();
  readonly #running = new Set<object>();
  readonly #turns = new Turns();
  /** Packages on their way to disk, which no record names yet. */
  readonly #writing = new Set<RequestRecord["digest"]>();

  constructor(parts: RequestParts, records: readonly RequestRecord[]) {
    this.#parts = parts;
    this.#records = new Map(records.map((record) => [record.number, record]));
  }

  async begin(request: Begun): Promise<InstallAnswer> {
    if (this.#running.size >= runningMax)
      throw new HostError("INSTALLS_BUSY", { limit: runningMax });
    const entry = {};
    this.#running.add(entry);
    const state: { waiting?: Waiting } = {};
    const stage = async (ask: ConsentAsk, release: Release): Promise<undefined> => {
      state.waiting = await this.#stage(ask, release, request);
      throw needed(release.id, state.waiting.request);
    };
    try {
      const plugin = await this.#parts.install({ ...request, consent: stage });
      return { kind: "installed", plugin };
    } catch (error) {
      if (state.waiting === undefined) throw error;
      return { kind: "waiting", ...state.waiting };
    } finally {
      this.#running.delete(entry);
    }
  }

  async list(): Promise<readonly RequestView[]> {
    await this.sweep();
    return [...this.#records.values()].map(toRequestView);
  }

  async show(number: number): Promise<RequestView & Waiting> {
    await this.sweep();
    const record = this.#get(number);
    const question = this.#parts.question(await this.#releaseOf(record));
    return { ...toRequestView(record), ...waitingOf(record, question) };
  }

  async answer(
    which: { readonly number: number } | { readonly plugin: string },
    { accept, consentId, by, ...rest }: ConsentAnswer,
  ): Promise<PluginView | null> {
    checkHuman(by);
    await this.sweep();
    const found =
      "number" in which ? this.#get(which.number) : await this.#named(which.plugin, consentId);
    if (this.#answering.has(found.number)) throw unknownConsent(consentId);
    this.#answering.add(found.number);
    try {
      if (accept) return await this.#approve(found, { consentId, by, ...rest });
      await this.#decline(found, by);
      return null;
    } finally {
      this.#answering.delete(found.number);
    }
  }

  /** Lets go what is over: too old, or installed by now. */
  async sweep(): Promise<void> {
    const { activeDigest, clock } = this.#parts;
    const now = clock.now();
    for (const { number, plugin, digest, expiresAt } of [...this.#records.values()]) {
      const isOver = expiresAt <= now || activeDigest(plugin) === digest;
      if (isOver && !this.#answering.has(number)) await this.#remove(number);
    }
    await this.#tidy();
  }

  async #stage(ask: ConsentAsk, release: Release, request: Begun): Promise<Waiting> {
    // One after the other, so that those who come together find each other, and stay within bounds.
    using _ = await this.#turns.take("stage");
    await this.sweep();
    const question = this.#parts.question(release);
    const known = [...this.#records.values()].find(
      ({ plugin, digest }) => plugin === release.id && digest === release.package.digest,
    );
    const record = known ?? (await this.#insert(release, request));
    return { ...waitingOf(record, question), ask };
  }

  async #insert(release: Release, request: Begun): Promise<RequestRecord> {
    const { caller, allowDowngrade = false } = request;
    const { id, manifest, package: found, source, signer, isLocal } = release;
    checkRoom(this.#records.values(), caller, found.bytes.byteLength);
    const { clock, audit, store, packages, keepMs, tell } = this.#parts;
    const now = clock.now();
    const record = {
      plugin: id,
      digest: found.digest,
      bytes: found.bytes.byteLength,
      release: { manifest, source, signer, isLocal, allowDowngrade },
      askedBy: { kind: caller.kind, keyId: caller.id, owner: caller.owner },
      nonce: Buffer.from(clock.random(nonceBytes)).toString("base64url"),
      createdAt: now,
      expiresAt: now + keepMs(),
    };
    this.#writing.add(found.digest);
    try {
      await packages.write(found.digest, found.bytes);
      audit.append({ ...auditOf(record, caller, "ask"), decision: "allowed" });
      await audit.committed();
      const number = await store.insert(record);
      this.#records.set(number, { ...record, number });
      tell({ ...record, number });
      return { ...record, number };
    } finally {
      this.#writing.delete(found.digest);
    }
  }

  async #approve(
    record: RequestRecord,
    { consentId, by, grants, onStep }: Omit<ConsentAnswer, "accept">,
  ): Promise<PluginView> {
    const chosen = grants === undefined ? undefined : parseGrants(grants);
    const release = await this.#releaseOf(record);
    const yes = async (): Promise<Yes> => {
      const now = consentIdOf(this.#parts.question(release), record.nonce);
      if (now !== consentId) throw new HostError("CONSENT_OUTDATED", { plugin: record.plugin });
      return { by, ...(chosen && { grants: chosen }) };
    };
    const state = { isGiven: false };
    try {
      const plugin = await this.#parts.install({
        caller: by,
        source: { kind: "staged", release },
        allowDowngrade: record.release.allowDowngrade,
        consent: yes,
        onStep: (step) => {
          state.isGiven ||= step === "stage";
          onStep?.(step);
        },
      });
      // Only now: a host that is killed before this finds the request again.
      await this.#remove(record.number);
      return plugin;
    } catch (error) {
      // What is wrong with the package stays so; what is wrong with the answer or the host may not.
      const isFinal = error instanceof HostError && error.status < 500;
      if (state.isGiven && isFinal && error.code !== "CONSENT_OUTDATED")
        await this.#remove(record.number);
      throw error;
    } finally {
      await this.#tidy();
    }
  }

  async #decline(record: RequestRecord, by: Caller): Promise<void> {
    const { audit } = this.#parts;
    const code = "CONSENT_DECLINED";
    audit.append({ ...auditOf(record, by, "decline"), decision: "denied", code });
    await audit.committed();
    await this.#remove(record.number);
    await this.#tidy();
  }

  async #remove(number: number): Promise<void> {
    await this.#parts.store.remove(number);
    this.#records.delete(number);
  }

  async #tidy(): Promise<void> {
    const named = [...this.#records.values()].map(({ digest }) => digest);
    await this.#parts.packages.keepOnly(new Set([...named, ...this.#writing]));
  }

  /** @throws MODULE_ALTERED */
  async #releaseOf({ plugin, digest, release }: RequestRecord): Promise<Release> {
    const { manifest, source, signer, isLocal } = release;
    const found = await readPackage(await this.#parts.packages.read(digest));
    return { manifest, source, signer, isLocal, id: plugin, package: found };
  }

  /** @throws REQUEST_NOT_FOUND */
  #get(number: number): RequestRecord {
    const found = this.#records.get(number);
    if (found === undefined || this.#answering.has(number))
      throw new HostError("REQUEST_NOT_FOUND", { request: number });
    return found;
  }

  /** Returns the request of a plugin whose question has a name. @throws CONSENT_NOT_FOUND */
  async #named(plugin: string, consentId: string): Promise<RequestRecord> {
    for (const record of this.#records.values()) {
      if (record.plugin !== plugin) continue;
      const question = this.#parts.question(await this.#releaseOf(record));
      if (consentIdOf(question, record.nonce) === consentId) return record;
    }
    throw unknownConsent(consentId);
  }
}

function waitingOf({ number, nonce }: RequestRecord, question: Question): Waiting {
  return { request: number, consentId: consentIdOf(question, nonce), ask: question.ask };
}

function needed(plugin: string, number: number): HostError {
  const command = `convergio requests approve ${number}`;
  return new HostError("CONSENT_NEEDED", { plugin, command });
}

function unknownConsent(consentId: string): HostError {
  return new HostError("CONSENT_NOT_FOUND", { consent: quote(consentId) });
}

function auditOf(record: Omit<RequestRecord, "number">, by: Caller, act: string) {
  const { plugin, digest, release } = record;
  const { version } = release.manifest;
  const { owner, id: keyId } = by;
  return { kind: "install", act, owner, keyId, plugin, version, digest } as const;
}
