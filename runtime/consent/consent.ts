import { createHash } from "node:crypto";
import { checkAsked } from "#manifests/asked.ts";
import { HostError } from "#manifests/errors.ts";
import type { BoundGrants, Grants } from "#manifests/grants.ts";
import type { Terms } from "#manifests/capabilities/terms.ts";
import { quote } from "#manifests/quote.ts";
import type { Audit } from "../audit.ts";
import type { Consent, InstallRequest, Release } from "../install.ts";
import type { Caller } from "../keys.ts";
import { signerName } from "../views.ts";
import { checkHuman } from "./human.ts";
import { settled } from "./settle.ts";
import type { ConsentAsk } from "./asked.ts";
import {
  type AskParts,
  boundOf,
  heldOf,
  type Question,
  questionOf,
  signerOf,
} from "./asked-for.ts";

/** What consent needs of the host. */
export interface ConsentParts extends AskParts {
  readonly audit: Audit;
  /** Returns how often a grant was used that is given for a number of uses. */
  readonly usedOf: (capability: string, grant: Terms, given: BoundGrants) => number;
  /** Lets the grants of an update and those that they replace be used up together. */
  readonly carryOver: (before: BoundGrants, after: BoundGrants) => void;
  /** Returns the real path of a folder that may be granted. @throws FOLDER_REFUSED */
  readonly checkFolder: (path: string) => Promise<string>;
}

/**
 * Asks whoever decides, when there is something to decide; a yes is for this digest only.
 *
 * @throws CONSENT_DECLINED, SCOPE_MISSING, GRANTS_INVALID, FOLDER_REFUSED
 */
export async function consent(
  parts: ConsentParts,
  release: Release,
  request: InstallRequest,
): Promise<Consent> {
  const question = questionOf(parts, release);
  const held = JSON.stringify(question.held);
  if (!question.isNeeded && mayPassUnasked(release, request))
    return { grants: question.held, held, by: request.caller };
  const answer = await request.consent(question.ask, release);
  if (answer === undefined) throw new HostError("CONSENT_DECLINED", { plugin: release.id });
  const by = checkHuman(answer.by);
  const chosen = answer.grants ? checkChosen(parts, release, answer.grants) : question.full;
  const grants = await withRealFolders(parts, chosen, question.held);
  await auditYes(parts, release, by);
  return { grants, held, by };
}

/**
 * Returns the consent with what is left of grants for a number of uses, when what it leaves in place is
 * still so: grants that were withdrawn while somebody was asked must not come back.
 *
 * @throws CONSENT_OUTDATED
 */
export function checkStanding(parts: ConsentParts, release: Release, given: Consent): Consent {
  if (JSON.stringify(heldOf(parts, release)) !== given.held)
    throw new HostError("CONSENT_OUTDATED", { plugin: release.id });
  const grants = settled(given.grants, boundOf(parts, release), parts.usedOf);
  return { ...given, grants };
}

/**
 * Returns the name of one question of one request: what is asked is part of it, so that an answer to
 * what was shown answers nothing else.
 *
 * @param nonce  what nobody can guess, of this request alone
 */
export function consentIdOf({ ask }: Question, nonce: string): string {
  // Secrets that the operator adds meanwhile change what may be chosen and not what is asked.
  const { choices, ...asked } = ask satisfies ConsentAsk;
  const hash = createHash("sha256").update(JSON.stringify([nonce, asked]));
  return hash.digest("base64url").slice(0, 32);
}

/**
 * Whether an update that asks for nothing may go without a question: when its signer vouches that it
 * comes from whom the operator trusted before, or the operator installs it in person.
 */
function mayPassUnasked({ signer }: Release, { caller, source }: InstallRequest): boolean {
  if (source.kind === "staged") return false;
  return signer.kind !== "unsigned" || caller.kind === "owner";
}

/** @throws GRANTS_INVALID */
function checkChosen(parts: AskParts, { manifest }: Release, chosen: Grants): Grants {
  for (const [index, { plugin, signer }] of chosen.tools.entries()) {
    const own = signerOf(parts.shelf, plugin);
    if (signer === own) continue;
    const problem = `must be ${quote(own)}, who signs ${plugin}, found ${quote(signer)}`;
    throw new HostError("GRANTS_INVALID", { path: `tools[${index}].signer`, problem });
  }
  return checkAsked(chosen, manifest.uses);
}

/** Folders are kept by their real paths: what a link leads to later is not what was granted. */
async function withRealFolders(
  { checkFolder }: ConsentParts,
  grants: Grants,
  held: Grants,
): Promise<Grants> {
  const files = grants.files.map(async (grant) => {
    const { folder } = grant;
    if (folder === null || held.files.some((old) => old.folder === folder)) return grant;
    return { ...grant, folder: await checkFolder(folder) };
  });
  return { ...grants, files: await Promise.all(files) };
}

async function auditYes({ audit }: ConsentParts, release: Release, by: Caller): Promise<void> {
  const { id, manifest, package: found, signer } = release;
  audit.append({
    kind: "grants",
    act: "consent",
    decision: "allowed",
    owner: by.owner,
    keyId: by.id,
    plugin: id,
    version: manifest.version,
    digest: found.digest,
    signer: signerName(signer),
  });
  await audit.committed();
}
