import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import type { Clock } from "../clock.ts";
import type { Head } from "./chain.ts";

/** A head of the audit that this host vouches for. */
export interface SignedHead extends Head {
  /** Time in UTC, ISO 8601, when it was signed or sealed. */
  readonly at: string;
  /** Ed25519 key of the host: `ed25519:` and 32 bytes in base64url. */
  readonly key: string;
  /** 64 bytes in base64url, over the text of `headText`. */
  readonly signature: string;
}

/** The key by which a host vouches for the heads of its audit. */
export interface HostKey {
  /** Its public half, as in `SignedHead`. */
  readonly name: string;
  /** Returns the signature of a head. */
  sign(head: Head): string;
}

const namePrefix = "ed25519:";
/** PKCS #8 and SPKI of an Ed25519 key, up to its 32 bytes. @see https://www.rfc-editor.org/rfc/rfc8410 */
const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Opens the key in a folder, and makes it when there is none.
 *
 * @throws FILE_UNUSABLE when there is something else in its place
 */
export function openHostKey(folder: string, clock: Clock): HostKey {
  const path = join(folder, "host.key");
  const pem = readKey(path) ?? makeKey(path, clock);
  const key = parseKey(pem);
  const name = nameOf(key);
  return {
    name,
    sign: (head) => signBytes(null, Buffer.from(headText(head)), key).toString("base64url"),
  };
}

/** Returns the text that is signed for a head. */
export function headText({ seq, digest }: Head): string {
  return `convergio audit head 1\n${seq}\n${digest}\n`;
}

/** Returns whether a key has signed a head; key and signature are untrusted. */
export function isSignedBy(name: string, head: Head, signature: string): boolean {
  const bytes = Buffer.from(name.slice(namePrefix.length), "base64url");
  if (!name.startsWith(namePrefix) || bytes.length !== 32) return false;
  const key = createPublicKey({
    key: Buffer.concat([publicPrefix, bytes]),
    format: "der",
    type: "spki",
  });
  return verifyBytes(null, Buffer.from(headText(head)), key, Buffer.from(signature, "base64url"));
}

function nameOf(key: KeyObject): string {
  const bytes = createPublicKey(key).export({ format: "der", type: "spki" });
  return namePrefix + bytes.subarray(publicPrefix.length).toString("base64url");
}

function readKey(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ENOENT") return undefined;
    throw new HostError("FILE_UNUSABLE", { file: "audit/host.key", problem: "it cannot be read" });
  }
}

/** A key under its final name is whole. */
function makeKey(path: string, clock: Clock): string {
  const der = Buffer.concat([privatePrefix, clock.random(32)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const pem = key.export({ format: "pem", type: "pkcs8" }).toString();
  const file = openSync(`${path}.part`, "w", 0o600);
  writeSync(file, pem);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.part`, path);
  return pem;
}

/** @throws FILE_UNUSABLE */
function parseKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Said below.
  }
  const problem = "it holds no Ed25519 key; put it back from a copy, or move it away for a new one";
  throw new HostError("FILE_UNUSABLE", { file: "audit/host.key", problem });
}
