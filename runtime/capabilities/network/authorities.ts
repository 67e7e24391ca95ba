import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { HostError } from "#manifests/errors.ts";

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Returns the certificates that are believed: Node's own, and those of a file of the operator's.
 *
 * @param file  path of certificates in PEM
 * @throws FILE_UNUSABLE
 */
export function authoritiesWith(file: string): readonly string[] {
  const extra = read(file).match(certificate) ?? [];
  if (extra.length === 0) throw unusable(file, "it has no certificate in PEM");
  for (const each of extra) checkCertificate(file, each);
  return [...getCACertificates("default"), ...extra];
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch (cause) {
    throw unusable(file, "it cannot be read", cause);
  }
}

function checkCertificate(file: string, text: string): void {
  try {
    new X509Certificate(text);
  } catch (cause) {
    throw unusable(file, "one of its certificates is damaged", cause);
  }
}

function unusable(file: string, problem: string, cause?: unknown): HostError {
  return new HostError("FILE_UNUSABLE", { file, problem }, { cause });
}
