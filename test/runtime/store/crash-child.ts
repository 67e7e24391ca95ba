// Writes to a home until somebody kills it, and says each thing after it was acknowledged.
import { openAudit } from "#runtime/audit.ts";
import { systemClock } from "#runtime/clock.ts";
import { openHome } from "#runtime/home.ts";
import { createFiles } from "#runtime/store/files.ts";
import { openStore } from "#runtime/store/store.ts";
import { activation, digest, version } from "#test/support/installed.ts";

const [path = "", act = ""] = process.argv.slice(2);
const clock = systemClock();
const home = await openHome(path);
const { database, backups } = home;
const store = await openStore({ path: database, backups, clock, hostVersion: "0.1.0" });
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Appends more records a turn than one commit is done with when the process ends. */
async function appendForEver(): Promise<void> {
  const audit = await openAudit({ folder: home.audit, hot: store.hot, clock });
  const space = { ...activation(version("vowels")).grants, owner: "" };
  for (let turn = 0; ; turn++) {
    for (let index = 0; index < 20; index++)
      audit.append({ kind: "call", act: "invoke", decision: "allowed", fuel: turn });
    await store.kv.set(space, "turn", Buffer.from(String(turn)), { quotaBytes: 1_000 });
    await audit.committed();
    say(`committed ${turn}`);
  }
}

/** Replaces one version by another, again and again. */
async function installForEver(): Promise<void> {
  const files = createFiles(home, clock);
  for (let turn = 0; ; turn++) {
    const own = version("vowels", {
      digest: digest(turn % 2 === 0 ? "a" : "b"),
      files: {},
      installedAt: turn,
    });
    await using stage = await files.stage();
    await stage.writePackage(new Map([["manifest.json", Buffer.from(own.digest)]]));
    const meteredDigest = await stage.writeModule(Buffer.from(`module of ${own.digest}`));
    say(`staged ${turn}`);
    await stage.commit(own.plugin, own.digest);
    await store.plugins.activate(activation({ ...own, meteredDigest }));
    say(`active ${turn}`);
  }
}

/** Stages an install, says so and waits. */
async function stageOnly(): Promise<void> {
  const stage = await createFiles(home, clock).stage();
  await stage.writePackage(new Map([["manifest.json", Buffer.from("half")]]));
  await stage.writeModule(Buffer.from("half"));
  if (act === "commit") await stage.commit(version("vowels").plugin, digest("a"));
  say("staged");
  setInterval(() => {}, 60_000);
}

await (act === "append" ? appendForEver() : act === "install" ? installForEver() : stageOnly());
