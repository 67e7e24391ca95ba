// A real host that has a waiting install approved, and says each step of it, until somebody kills it.
import { owner } from "#runtime/keys.ts";
import { waitingFor } from "#test/support/consents.ts";
import { openHostIn } from "#test/support/host.ts";

const [folder = "", path = ""] = process.argv.slice(2);
const test = await openHostIn(folder);
const say = (...words: readonly unknown[]): void => {
  process.stdout.write(`${words.join(" ")}\n`);
};

const { request, consentId } = await waitingFor(test, path);
say("waiting", request, consentId);
const answer = { consentId, by: owner, accept: true, onStep: say };
await test.host.requests.answer({ number: request }, answer);
say("done");
setInterval(() => {}, 60_000);
