// Replaces a file again and again until somebody kills it, and says what was acknowledged.
import { askerWith } from "#test/support/asker.ts";
import { filesGrantWith, foldersIn } from "#test/support/folders.ts";

const [home = "", bytes = "0"] = process.argv.slice(2);
const { ask } = foldersIn(
  home,
  askerWith({ files: [filesGrantWith({ quotaBytes: 64 * 2 ** 20 })] }),
);
process.stdout.write("ready\n");
for (let turn = 0; ; turn++) {
  const block = Buffer.alloc(Number(bytes), 0x41 + (turn % 26));
  const { code } = await ask("files_write", { folder: "cache", path: "d" }, { block });
  process.stdout.write(`${code ?? "wrote"} ${turn % 26}\n`);
}
