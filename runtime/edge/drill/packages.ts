import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { HostError } from "#manifests/errors.ts";
import { nothingGranted } from "#manifests/grants.ts";
import { broken, type Drill, held, type Outcome } from "./drill.ts";
import { codeOf, type Ground, type HostilePlugin } from "./ground.ts";
import { driller, practiceOf } from "./practice.ts";
import { archiveOf, type ArchiveEntry } from "./archive.ts";

const mebibyte = 2 ** 20;
/** More than the largest module that any host admits. */
const hugeBytes = 65 * mebibyte;
/** Time in which a value is checked against an author's schema, whatever the pattern, in milliseconds. */
const patternMs = 2_000;

const plugin = (id: string): HostilePlugin => ({ id, module: "mischief", tools: ["answer"] });

function installPath(ground: Ground, path: string): Promise<unknown> {
  const yes = { by: driller, grants: nothingGranted };
  return ground.host.install({
    caller: driller,
    source: { kind: "path", path },
    consent: async () => yes,
  });
}

async function slip(ground: Ground): Promise<Outcome> {
  const path = await ground.write(plugin("slipper"));
  const names = ["manifest.json", "plugin.wasm"];
  const own = await Promise.all(
    names.map(async (name) => ({
      path: name,
      content: await readFile(join(path, name)),
    })),
  );
  const evil: readonly ArchiveEntry[] = [
    { path: "../../slipped", content: Buffer.from("x") },
    { path: "assets/../../../slipped", content: Buffer.from("x") },
    { path: `${ground.folder}/slipped`, content: Buffer.from("x") },
    { path: "link", content: Buffer.alloc(0), type: "2", target: "../../../home/key" },
    { path: "hard", content: Buffer.alloc(0), type: "1", target: "../../../home/key" },
    { path: "device", content: Buffer.alloc(0), type: "3" },
  ];
  const file = join(ground.folder, "slip.tgz");
  await writeFile(file, gzipSync(archiveOf(own)));
  const honest = await codeOf(installPath(ground, file));
  if (honest !== undefined) return broken(`no proof: the same package without it is ${honest}`);
  for (const entry of evil) {
    await writeFile(file, gzipSync(archiveOf([...own, entry])));
    const code = await codeOf(installPath(ground, file));
    if (code === undefined) return broken(`a package with ${entry.path} was installed`);
    const found = await readdir(ground.folder, { recursive: true });
    if (found.some((name) => name.endsWith("slipped"))) return broken(`${entry.path} was written`);
  }
  return held(`${evil.length} packages that write outside themselves were refused`);
}

async function oversize(ground: Ground): Promise<Outcome> {
  const path = join(ground.folder, "huge.wasm");
  await using file = await open(path, "w");
  await file.write(Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  // A file with a hole: it takes no room on the disk.
  await file.truncate(hugeBytes);
  const code = await codeOf(installPath(ground, path));
  return code === undefined ? broken("it was installed") : held(code);
}

/** A module of its own digest, so that no other plugin shares what is done to it. */
async function ownModule(): Promise<Uint8Array> {
  const bytes = await readFile(new URL("guests/mischief.wasm", import.meta.url));
  bytes.write("altered", bytes.indexOf("escaped"), "latin1");
  return bytes;
}

async function alter(ground: Ground): Promise<Outcome> {
  const modules = join(ground.home, "modules");
  const before = new Set(await readdir(modules, { recursive: true }));
  await ground.install({ ...plugin("altered"), module: await ownModule() });
  await ground.invoke("altered", "answer");
  const added = (await readdir(modules, { recursive: true })).filter((name) => !before.has(name));
  if (added.length === 0) return broken("no proof: its module was not found in the store");
  await ground.restart(async () => {
    for (const name of added) {
      const path = join(modules, name);
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined) continue;
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await writeFile(path, bytes);
    }
  });
  const code = await codeOf(ground.invoke("altered", "answer"));
  return code === "MODULE_ALTERED" ? held(code) : broken(code ?? "it ran");
}

/** The folder is changed after a person was asked and before they said yes. */
async function swapConsent(ground: Ground): Promise<Outcome> {
  const path = await ground.write(plugin("swapped"));
  const shown = { digest: "" };
  const act = ground.host.install({
    caller: driller,
    source: { kind: "path", path },
    consent: async ({ digest }) => {
      shown.digest = digest;
      await writeFile(join(path, "plugin.wasm"), await ownModule());
      return { by: driller, grants: nothingGranted };
    },
  });
  try {
    const { digest } = await act;
    if (digest !== shown.digest) return broken("another package runs than the one that was shown");
    return held("what runs is what was shown");
  } catch (error) {
    return error instanceof HostError ? held(error.code) : broken(String(error));
  }
}

async function unsigned(ground: Ground): Promise<Outcome> {
  const practice = practiceOf(ground.config);
  ground.host.configure({ ...practice, trust: { ...practice.trust, unsigned: "never" } });
  try {
    const code = await codeOf(ground.install(plugin("stranger")));
    return code === "UNSIGNED_REFUSED" ? held(code) : broken(code ?? "it was installed");
  } finally {
    ground.host.configure(practice);
  }
}

async function pattern(ground: Ground): Promise<Outcome> {
  const input = { type: "string", pattern: "^(a+)+$" };
  const tools = [{ name: "answer", encoding: "text", input }];
  const install = ground.install({ ...plugin("pattern"), manifest: { provides: { tools } } });
  const refused = await codeOf(install);
  if (refused !== undefined) return held(`${refused} at the install`);
  const startedAt = performance.now();
  const code = await codeOf(ground.invoke("pattern", "answer", `${"a".repeat(5_000)}!`));
  const tookMs = Math.round(performance.now() - startedAt);
  if (tookMs > patternMs) return broken(`checking one value took ${tookMs} ms`);
  return code === "INPUT_INVALID" ? held(`${code} after ${tookMs} ms`) : broken(code ?? "it fits");
}

async function schema(ground: Ground): Promise<Outcome> {
  const deep = { type: "object", properties: {} as Record<string, unknown> };
  for (let level = 0, at = deep; level < 24; level++) {
    const next = { type: "object", properties: {} };
    at.properties["a"] = next;
    at = next;
  }
  const tools = [{ name: "answer", encoding: "text", input: deep }];
  const code = await codeOf(
    ground.install({ ...plugin("deep"), manifest: { provides: { tools } } }),
  );
  return code === undefined ? broken("it was installed") : held(code);
}

/** Attacks on what is installed, before it runs and after. */
export const packageDrills: readonly Drill[] = [
  {
    name: "package that writes outside",
    rule: "Nothing of a package is written outside its own folder",
    run: slip,
  },
  { name: "oversized module", rule: "A module has a largest size", run: oversize },
  {
    name: "hostile pattern",
    rule: "A pattern of an author's schema runs in linear time",
    run: pattern,
  },
  { name: "endless schema", rule: "An author's schema is bounded", run: schema },
  {
    name: "package swapped after consent",
    rule: "A yes is for the package that was shown and for no other",
    run: swapConsent,
  },
  {
    name: "unsigned package",
    rule: "Where the operator admits no unsigned code, none is installed",
    run: unsigned,
  },
  {
    name: "altered module",
    rule: "A module that was changed on the disk does not run",
    run: alter,
  },
];
