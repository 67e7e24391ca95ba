import type { PluginView } from "../host.ts";
import type { InstallRequest, InstallStep } from "../install.ts";
import type { Caller } from "../keys.ts";
import type { RequestRecord } from "../store/requests.ts";
import type { ConsentAsk } from "./asked.ts";

/** An install that waits for consent, as people and programs see it. */
export interface RequestView {
  readonly number: number;
  readonly plugin: string;
  readonly version: string;
  readonly digest: string;
  readonly signer: string;
  readonly source: string;
  /** Owner of the key that began it. */
  readonly askedBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

/** What an install waits for, and the name under which it is answered. */
export interface Waiting {
  readonly request: number;
  readonly consentId: string;
  readonly ask: ConsentAsk;
}

/** An install whose consent comes later. */
export type Begun = Omit<InstallRequest, "consent">;

/** An install as an answer: done, or waiting for somebody's consent. */
export type InstallAnswer =
  | { readonly kind: "installed"; readonly plugin: PluginView }
  | ({ readonly kind: "waiting" } & Waiting);

/** An answer to what was asked. */
export interface ConsentAnswer {
  /** Names the question that was read: what is asked by now may be another one. */
  readonly consentId: string;
  readonly by: Caller;
  readonly accept: boolean;
  /** All that the plugin may do from now on, as operators write it; untrusted. */
  readonly grants?: unknown;
  readonly onStep?: (step: InstallStep) => void;
}

/** Installs that wait for consent, over restarts too. */
export interface Requests {
  /** Starts an install; what needs consent waits. @throws INSTALLS_BUSY, REQUESTS_FULL */
  begin(request: Begun): Promise<InstallAnswer>;
  list(): Promise<readonly RequestView[]>;
  /** What a request asks, as things are now. @throws REQUEST_NOT_FOUND */
  show(number: number): Promise<RequestView & Waiting>;
  /**
   * Answers a request once.
   *
   * @param which  its number, or the plugin that it is for
   * @returns the plugin, or null after a no
   * @throws CONSENT_NOT_FOUND, REQUEST_NOT_FOUND, CONSENT_OUTDATED, SCOPE_MISSING, GRANTS_INVALID
   */
  answer(
    which: { readonly number: number } | { readonly plugin: string },
    answer: ConsentAnswer,
  ): Promise<PluginView | null>;
}

/** Returns a request as people and programs see it. */
export function toRequestView({ release, ...record }: RequestRecord): RequestView {
  const { manifest, signer, source } = release;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    number: record.number,
    plugin: record.plugin,
    version: manifest.version,
    digest: record.digest,
    signer: signer.kind === "project" ? signer.identity : signer.kind,
    source: source.from,
    askedBy: record.askedBy.owner,
    createdAt: time(record.createdAt),
    expiresAt: time(record.expiresAt),
  };
}
