// A real host that works until somebody kills it, and says each thing after it was acknowledged.
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { owner } from "#runtime/keys.ts";
import { openHostIn } from "#test/support/host.ts";
import { installFrom } from "#test/support/written.ts";

const [folder = "", round = "", ...versions] = process.argv.slice(2);
const test = await openHostIn(folder);
const { host } = test;
const say = (...words: readonly unknown[]): void => {
  process.stdout.write(`${words.join(" ")}\n`);
};

/** Keeps a value under a name of its own, again and again. */
async function keepForEver(line: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const key = `${round}.${line}.${turn}`;
    const input = { json: JSON.stringify({ key, value: key }) };
    const request = { caller: owner, plugin: "local/keeps", tool: "kv_set", input };
    const { callId } = await host.call(request);
    say("kept", key, callId);
  }
}

/** Updates one plugin to its other version, again and again. */
async function installForEver(): Promise<void> {
  for (let turn = 0; ; turn++) {
    const path = versions[turn % versions.length] ?? "";
    say("begins", path);
    const { digest } = await installFrom(test, path);
    say("active", digest);
  }
}

async function makeKeysForEver(): Promise<void> {
  for (let turn = 0; ; turn++) {
    const request = { owner: "ada", name: `${round}.${turn}`, scopes: ["read"] };
    const { key, secret } = await host.keys.create(owner, request);
    say("key", key.id, secret);
    if (turn % 5 === 4) {
      await host.keys.revoke(owner, key.id);
      say("revoked", key.id);
    }
    await nextTurn();
  }
}

const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
say("ready", children.trim());
await Promise.all([...[0, 1, 2].map(keepForEver), installForEver(), makeKeysForEver()]);
