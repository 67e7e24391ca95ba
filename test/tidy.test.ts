/** The house rules, as tests: who may import whom, who may touch the world, and how long things may be. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { errors } from "#manifests/errors.ts";

/** What each part may import besides itself; the longest prefix that fits a file speaks for it. */
const mayImport: Record<string, readonly string[]> = {
  "manifests/": [],
  "plugin-sdk/": [],
  "registry/": ["manifests/"],
  "runtime/capabilities/": ["manifests/"],
  "runtime/sandbox/": [
    "manifests/errors.ts",
    "manifests/json-cost.ts",
    "manifests/quote.ts",
    "plugin-sdk/abi.ts",
  ],
  "runtime/store/": ["manifests/", "registry/digest.ts", "runtime/clock.ts", "runtime/home.ts"],
  "runtime/": [
    "manifests/",
    "plugin-sdk/abi.ts",
    "registry/",
    "runtime/capabilities/",
    "runtime/sandbox/",
    "runtime/store/",
  ],
  "runtime/edge/": ["manifests/", "runtime/"],
  "runtime/main.ts": ["runtime/edge/"],
};

/** What the edge may not reach although it may reach the runtime: it goes through the host. */
const closedToEdge = ["runtime/sandbox/", "runtime/capabilities/", "runtime/store/"];

/** What each power looks like in source, and the only files and folders that hold it. */
const powers: readonly (readonly [power: string, pattern: RegExp, holders: readonly string[]])[] = [
  [
    "network",
    /(?<![.\w])fetch\(|"node:(http|https|http2|net|tls|dgram|dns)"|"undici"/,
    [
      "runtime/sandbox/runner-main.ts",
      "runtime/sandbox/preparer-main.ts",
      "runtime/break-outs.ts",
      "runtime/edge/drill/",
      "runtime/sandbox/walls/attempts.ts",
      "runtime/capabilities/network/",
      "runtime/events/web-hook.ts",
      "runtime/audit/heads-out.ts",
      "runtime/edge/cli/wire-door.ts",
      "runtime/edge/http/",
    ],
  ],
  [
    "disk",
    /"node:fs(\/promises)?"/,
    [
      "runtime/audit/",
      "runtime/events/deliveries.ts",
      "runtime/config.ts",
      "runtime/capabilities/network/authorities.ts",
      "runtime/capabilities/network/hosts-file.ts",
      "runtime/machine.ts",
      "runtime/break-outs.ts",
      "runtime/edge/drill/",
      "runtime/home.ts",
      "runtime/owner.ts",
      "runtime/first-key.ts",
      "runtime/guest-logs.ts",
      "runtime/storage.ts",
      "runtime/installer.ts",
      "runtime/vault/key-file.ts",
      "runtime/capabilities/beneath",
      "runtime/capabilities/files/",
      "runtime/store/database.ts",
      "runtime/archive.ts",
      "runtime/backup.ts",
      "runtime/half-restored.ts",
      "runtime/restore.ts",
      "runtime/store/files.ts",
      "runtime/store/waiting.ts",
      "runtime/store/found.ts",
      "runtime/sandbox/caps.ts",
      "runtime/sandbox/walls/",
      "runtime/sandbox/runner-main.ts",
      "runtime/sandbox/guest/build-kernel.ts",
      "registry/folder.ts",
      "runtime/edge/cli/files.ts",
      "runtime/edge/http/home-socket.ts",
      "runtime/edge/http/port-holder.ts",
      "runtime/edge/http/tls.ts",
    ],
  ],
  [
    "subprocesses",
    /import (?!type).*"node:child_process"/,
    [
      "runtime/sandbox/process.ts",
      "runtime/edge/drill/one-core.ts",
      "runtime/vault/keyring.ts",
      "runtime/events/command.ts",
      "runtime/owner.ts",
      "runtime/edge/http/port-holder.ts",
    ],
  ],
  ["threads", /"node:worker_threads"|"node:cluster"/, []],
  [
    "WebAssembly",
    /new WebAssembly\.(Module|Instance)\(|\bWebAssembly\.(compile|instantiate|validate)\(/,
    [
      "runtime/sandbox/guest/",
      "runtime/sandbox/module/prepare.ts",
      "runtime/sandbox/preparer-main.ts",
    ],
  ],
  ["wall clock", /\bDate\.now\(|\bnew Date\(\)/, ["runtime/clock.ts"]],
  ["environment", /\bprocess\.env\b/, ["runtime/environment.ts"]],
  [
    "console",
    /\bconsole\.|process\.(stdout|stderr)/,
    ["runtime/main.ts", "runtime/sandbox/guest/runner.ts"],
  ],
  [
    "randomness",
    /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|getRandomValues/,
    ["runtime/clock.ts", "runtime/sandbox/guest/imports.ts"],
  ],
  ["eval", /\beval\(|\bnew Function\(|"node:vm"/, []],
];

/** What is spelled otherwise here, and how. */
const banned: readonly (readonly [name: string, pattern: RegExp, instead: string])[] = [
  ["any", /[:<|&] ?any\b(?! )/, "unknown and a check"],
  ["throw new Error", /\bthrow new Error\(/, "HostError, or assert for a bug"],
  ["export default", /^export default/m, "a named export"],
  ["private", /^ +(private|public|protected) (?!constructor)/m, "#name"],
  ["@ts-ignore", /@ts-ignore/, "@ts-expect-error and why"],
  ["FIXME", /\bFIXME\b|\bTODO\b/, "the fix"],
  ["top-level let", /^(export )?let /m, "a value that is passed"],
];

const limits = { fileLines: 300, functionLines: 60, columns: 110 };

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const read = (pattern: string): readonly SourceFile[] =>
  globSync(pattern)
    .filter((path) => !/node_modules|\/assembly\/|\/build\//.test(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
const sources = read("{manifests,plugin-sdk,registry,runtime}/**/*.ts");
const others = [...read("test/**/*.ts"), ...read("plugins/*.ts"), ...read("bin/*.js")];

/** Programs: nothing imports them, something starts them. */
const programs = [
  "runtime/main.ts",
  "runtime/sandbox/runner-main.ts",
  "runtime/sandbox/preparer-main.ts",
  "runtime/sandbox/walls/attempt-main.ts",
  "runtime/edge/drill/build-guests.ts",
  "runtime/sandbox/guest/build-kernel.ts",
];

/** Returns what a file imports: repository paths for our own files, bare names for the rest. */
function imports(file: SourceFile): readonly { specifier: string; path: string | undefined }[] {
  const found = file.text.matchAll(/(?:\bfrom|\bimport\(?|\bresolve\() ?"([^"]+)"/g);
  return [...found].map(([, specifier = ""]) => {
    if (specifier.startsWith("#")) return { specifier, path: specifier.slice(1) };
    if (specifier.startsWith(".")) return { specifier, path: join(dirname(file.path), specifier) };
    return { specifier, path: undefined };
  });
}

/** Returns the part a path belongs to: the longest key of mayImport that it starts with. */
function part(path: string): string {
  const keys = Object.keys(mayImport).filter((key) => path.startsWith(key));
  return keys.sort((a, b) => b.length - a.length)[0] ?? "";
}

function badImports(file: SourceFile): string[] {
  const own = part(file.path);
  return imports(file).flatMap(({ specifier, path }) => {
    if (path === undefined || part(path) === own) return [];
    const allowed = (mayImport[own] ?? []).some((prefix) => path.startsWith(prefix));
    const closed = own === "runtime/edge/" && closedToEdge.some((each) => path.startsWith(each));
    if (!allowed || closed) return [`${own} may not import ${path}`];
    const sameFolder = path.split("/")[0] === file.path.split("/")[0];
    return specifier.startsWith("#") || sameFolder ? [] : [`write #${path} across a border`];
  });
}

function badPowers({ path, text }: SourceFile): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return powers.flatMap(([power, pattern, holders]) =>
    pattern.test(code) && !holders.some((holder) => path.startsWith(holder))
      ? [`uses ${power}; held by ${holders.join(", ") || "nobody"}`]
      : [],
  );
}

function badWords({ text }: SourceFile): string[] {
  return banned.flatMap(([name, pattern, instead]) =>
    pattern.test(text) ? [`${name} is banned; write ${instead}`] : [],
  );
}

function badLines({ text }: SourceFile): string[] {
  const lines = text.split("\n");
  const found =
    lines.length > limits.fileLines + 1
      ? [`${lines.length} lines; ${limits.fileLines} at most`]
      : [];
  let start = -1;
  for (const [index, line] of lines.entries()) {
    if (line.length > limits.columns && !/https:\/\/|(message|hint|what|pattern): |"\^/.test(line))
      found.push(`line ${index + 1} has ${line.length} columns`);
    if (/^(export )?(async )?function |^ {2}(async |static |get )*[#\w]+\(.*\{$/.test(line))
      start = index;
    if (start >= 0 && /^( {2})?\}/.test(line)) {
      if (index - start > limits.functionLines)
        found.push(`line ${start + 1} opens a function of ${index - start} lines`);
      start = -1;
    }
  }
  return found;
}

function badDocs({ text }: SourceFile): string[] {
  const bare = text.matchAll(
    /(?<!\*\/)\nexport (?:async )?(?:function|class|interface|const|type) (\w+)/g,
  );
  const thrown = new Set(
    [...text.matchAll(/throw new HostError\(\s*"(\w+)"/g)].map((match) => match[1] ?? ""),
  );
  const promised = text.match(/@throws(?:(?!@|\*\/)[\s\S])*/g)?.join(" ") ?? "";
  return [
    ...[...bare].map((match) => `${match[1]} is exported without a sentence above it`),
    ...[...thrown]
      .filter((code) => !promised.includes(code))
      .map((code) => `throws ${code} but no @throws says so`),
    ...(promised.match(/\b[A-Z]+(_[A-Z]+)+\b/g) ?? [])
      .filter((code) => !(code in errors))
      .map((code) => `@throws ${code} is not an error`),
  ];
}

function untidy(file: SourceFile): string[] {
  return [badImports, badPowers, badWords, badLines, badDocs]
    .flatMap((rule) => rule(file))
    .map((said) => `${file.path}: ${said}`);
}

test("every source file is tidy", () => {
  assert.deepEqual(
    sources.filter(({ path }) => path !== "manifests/errors.ts").flatMap(untidy),
    [],
  );
});

test("every source file is imported by something", () => {
  const used = new Set(
    [...sources, ...others].flatMap((file) => imports(file).map(({ path }) => path)),
  );
  const isDead = (path: string): boolean =>
    !used.has(path) && !programs.includes(path) && !path.endsWith(".d.ts");
  assert.deepEqual(sources.map(({ path }) => path).filter(isDead), []);
});

test("no source file imports itself by way of others", () => {
  const runs = (text: string) => text.replace(/^(import|export) type [\s\S]*?;$/gm, "");
  const graph = new Map(
    sources.map(({ path, text }) => [
      path,
      imports({ path, text: runs(text) }).flatMap((found) => found.path ?? []),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.add([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) walk(path, []);
  assert.deepEqual([...cycles], []);
});

test("every error code is thrown or passed on somewhere", () => {
  const text = sources
    .filter(({ path }) => path !== "manifests/errors.ts")
    .map((file) => file.text)
    .join("\n");
  const unused = Object.keys(errors).filter((code) => !text.includes(`"${code}"`));
  assert.deepEqual(unused, []);
});

test("untidy() says what it is there to say", () => {
  const text = [
    'import { call } from "#runtime/call.ts";',
    "",
    "export function f(a: any) {",
    '  fetch(a); throw new HostError("PLUGIN_NOT_FOUND");',
    "}",
    "",
  ].join("\n");
  const found = untidy({ path: "registry/x.ts", text });
  assert.deepEqual(found, [
    "registry/x.ts: registry/ may not import runtime/call.ts",
    `registry/x.ts: uses network; held by ${powers[0]?.[2].join(", ")}`,
    "registry/x.ts: any is banned; write unknown and a check",
    "registry/x.ts: f is exported without a sentence above it",
    "registry/x.ts: throws PLUGIN_NOT_FOUND but no @throws says so",
  ]);
});
