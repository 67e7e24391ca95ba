import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./home.ts";

const run = promisify(execFile);

/** An authority of a test's own, and certificates that it signed. */
export interface Certificates extends AsyncDisposable {
  /** Path of the authority's certificate. */
  readonly authority: string;
  /** Makes a certificate for names, `DNS:a.test`, `IP:127.0.0.1`; with -1 days it has expired. */
  make(names: string, days?: number): Promise<{ readonly key: Buffer; readonly cert: Buffer }>;
}

/** Makes an authority with the machine's `openssl`. */
export async function createCertificates(): Promise<Certificates> {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const openssl = (...args: readonly string[]) => run("openssl", [...args], { cwd: folder.path });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test");
  const state = { made: 0 };
  return {
    authority: at("ca.pem"),
    async make(names, days = 1) {
      state.made += 1;
      const name = `c${state.made}`;
      await writeFile(at(`${name}.ext`), `subjectAltName=${names}\n`);
      await openssl(
        "req",
        ...key,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
        "-subj",
        "/CN=x",
      );
      const ca = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        `${name}.ext`,
      ];
      const sign = ["x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...ca];
      // Newer programs want a certificate that has expired in other words.
      const past = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"];
      await openssl(...sign, "-days", String(days)).catch(() => openssl(...sign, ...past));
      return { key: await readFile(at(`${name}.key`)), cert: await readFile(at(`${name}.pem`)) };
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
