import { packFolder } from "#registry/package.ts";
import type { ConsentAsk } from "#runtime/consent/asked.ts";
import type { InstallAnswer, Waiting } from "#runtime/consent/waiting.ts";
import type { PluginView } from "#runtime/host.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import { type GrantsText, parseGrants, toGrantsText } from "#manifests/grants.ts";
import type { TestHost } from "./host.ts";
import { jsonTools, relay } from "./relay.ts";
import { installFrom, writeFolder } from "./written.ts";

/** A caller with a key that holds some scopes. */
export function callerWith(...scopes: string[]): Caller {
  return { kind: "key", id: `key-${scopes[0]}`, owner: "ada", scopes, ratePerMinute: 0 };
}

/** A program that may begin installs, and a person who may answer them. */
export const installer = callerWith("install");
export const granter = callerWith("grants");

/** Writes a version of a plugin that asks for something; its bytes differ by its version. */
export function writeVersion(
  test: TestHost,
  version: string,
  uses: object,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const manifest = { id: "asks", version, provides: jsonTools("echo"), uses, ...more };
  return writeFolder(test, `asks-${version}-${Object.keys(more).join("-")}`, manifest, relay());
}

/** Begins an install of an uploaded package in the name of a key, without answering it. */
export async function begin(
  { host }: TestHost,
  path: string,
  caller: Caller = installer,
): Promise<InstallAnswer> {
  const { bytes } = await packFolder(path);
  return host.requests.begin({ caller, source: { kind: "package", bytes } });
}

/** Begins an install that has to wait. */
export async function waitingFor(
  test: TestHost,
  path: string,
  caller: Caller = installer,
): Promise<Waiting> {
  const answer = await begin(test, path, caller);
  if (answer.kind === "waiting") return answer;
  throw new TypeError("the install did not wait");
}

/** Says yes to what waits, to all of it or to what a document says. */
export function approve(
  { host }: TestHost,
  { request, consentId }: Waiting,
  grants?: unknown,
  by: Caller = owner,
): Promise<PluginView | null> {
  const answer = { consentId, by, accept: true, ...(grants !== undefined && { grants }) };
  return host.requests.answer({ number: request }, answer);
}

/** Installs as the owner, and returns what was asked; undefined when nothing was. */
export async function asked(
  test: TestHost,
  path: string,
  grants?: unknown,
): Promise<ConsentAsk | undefined> {
  const found: ConsentAsk[] = [];
  const onAsk = (ask: ConsentAsk): void => void found.push(ask);
  await installFrom(test, path, { onAsk, ...(grants !== undefined && { grants }) });
  return found[0];
}

/** What a plugin holds, without defaults that say nothing. */
export function held({ host }: TestHost, id = "local/asks"): GrantsText {
  const { network, secrets, files, kv, tools } = host.grants.view(id) as GrantsText;
  const all = { grants: 1, network, secrets, files, tools, ...(kv && { kv }) };
  return toGrantsText(parseGrants(all));
}
