/** A path in the table: what a guest writes, and what becomes of it. */
export interface PathCase {
  readonly path: string;
  /** The file in the folder that it means, or the code of the refusal. */
  readonly means: string | { readonly code: string };
}

const refused = { code: "PATH_REFUSED" };
const denied = { code: "CAPABILITY_DENIED" };
const tooLong = { code: "HOST_REQUEST_INVALID" };
const noJson = { code: "JSON_INVALID" };
const missing = { code: "PATH_NOT_FOUND" };
const noFile = { code: "PATH_NOT_FILE" };
const noFolder = { code: "PATH_NOT_FOLDER" };

/**
 * What lies in the folder for these cases: a file `a`, a file `d/b`, a folder `d`, and beside the folder
 * `../outside/secret`. Links and special files are in `strangers`.
 */
const byHand: readonly PathCase[] = [
  ...means("a", ["a", "/a", "//a", "./a", "/./a", ".//.//a", "d/../a", "/d/../a", "d/./../a"]),
  ...means("a", ["x/../a", "d/b/../../a", "x/y/z/../../../a", "a/../a", "d//..//a"]),
  ...means("d/b", ["d/b", "/d/b", "d//b", "d/./b", "d/../d/b", "x/../d/b", "d/x/../b"]),
  ...code(denied, ["..", "../", "/..", "../a", "/../a", "../../a", "../outside/secret"]),
  ...code(denied, ["a/../../a", "d/../../outside/secret", "./..", "./../a", "d/b/../../../x"]),
  ...code(denied, ["..//a", "../.", "../..", "/../../../../../../etc/passwd", "../notes/a"]),
  ...code(denied, [".././a", "x/../../a", "//..", "//../a", "../../../../proc/self/environ"]),
  ...code(missing, ["b", "d/a", "...", "....", "d/...", "..a", ".a", "a..", ".. /a", " ..", " a"]),
  ...code(missing, ["a ", "A/x", "%2e%2e/a", "%2e%2e%2fa", "..%2fa", "%2f", "..%00", "a%00"]),
  ...code(missing, ["..\\a", "..\\..\\a", "\\a", "C:\\a", "C:", "\\\\server\\share", "~", "~/a"]),
  ...code(missing, ["$HOME", "$(id)", "`a`", "*", "?", "[a]", "-a", "--", "file:///a", "a?b"]),
  ...code(missing, ["http://a/b", "\u2024\u2024/a", "\uff0e\uff0e/a", "\u2025/a", "．．/a"]),
  ...code(missing, ["a\u200b", "\u202ea", "e\u0301", "\u00e9", "🦊", "🦊/🦊", "\n", "\t", "a\nb"]),
  ...code(missing, ["\x01", "\x7f", "\x1b[31m", "con", "nul", "aux", "com1", "a:b", "a::$DATA"]),
  ...code(missing, ["proc/self/environ", "etc/passwd", "dev/null", "/etc/passwd", "/proc/1/root"]),
  ...code(noFile, ["", "/", ".", "./", "//", "d", "/d", "d/", "d/.", "d//", "x/..", "d/..", "/."]),
  ...code(noFolder, ["a/b", "a/b/c", "d/b/c"]),
  ...code(noFile, ["a/", "a/.", "d/b/", "a//", "d/b/."]),
  ...code(refused, ["\0", "a\0", "\0a", "a\0/../../x", "d/\0", "..\0"]),
  ...code(noJson, ["\ud800", "a\udfff", "\udc00/a", "../\ud800"]),
  ...code(refused, [
    ".convergio-",
    ".convergio-x",
    "d/.convergio-x",
    ".CONVERGIO-x",
    ".Convergio-",
  ]),
  ...code(refused, [".conver\u200bgio-x", "\u2060.convergio-x", ".convergio-/a"]),
  ...code(missing, ["x".repeat(255), "é".repeat(127), "🦊".repeat(63), `${"x/".repeat(63)}y`]),
  ...code(refused, ["x".repeat(256), "é".repeat(128), "🦊".repeat(64), `${"x/".repeat(64)}y`]),
  ...code(tooLong, ["y".repeat(4_097), `${"/".repeat(4_095)}aa`]),
  ...code(refused, ["é/".repeat(1_366), "🦊".repeat(1_025)]),
];

function means(file: string, paths: readonly string[]): readonly PathCase[] {
  return paths.map((path) => ({ path, means: file }));
}

function code(refusal: { readonly code: string }, paths: readonly string[]): readonly PathCase[] {
  return paths.map((path) => ({ path, means: refusal }));
}

/** Every way of at most four steps out of these, judged by counting: dots never lead above the folder. */
function generated(): readonly PathCase[] {
  const steps = ["", ".", "..", "d", "a"];
  const paths = steps.flatMap((one) =>
    steps.flatMap((two) =>
      steps.flatMap((three) => steps.map((four) => `${one}/${two}/${three}/${four}`)),
    ),
  );
  return paths.map((path) => ({ path, means: judged(path.split("/")) }));
}

function judged(steps: readonly string[]): PathCase["means"] {
  const trail: string[] = [];
  for (const step of steps) {
    if (step === "" || step === ".") continue;
    if (step !== "..") trail.push(step);
    else if (trail.length === 0) return denied;
    else trail.pop();
  }
  const isFolder = ["", ".", ".."].includes(steps.at(-1) ?? "");
  const [first, second] = trail;
  if (first === undefined || isFolder) return noFile;
  if (trail.length === 1) return first === "a" ? "a" : noFile;
  if (first === "a") return noFolder;
  return second === "d" || second === "a" ? missing : noFile;
}

/** Several hundred paths, and what each means to a guest that reads it as a file. */
export const pathCases: readonly PathCase[] = [...byHand, ...generated()];
