import { ask, asker, fetchOf } from "./capabilities.ts";
import { broken, type Drill, held, type Outcome } from "./drill.ts";
import type { Ground } from "./ground.ts";
import { echoPaths } from "./prey.ts";
import { driller } from "./practice.ts";

/** No secret of anybody: it opens nothing, and holds what encodings write otherwise. */
const value = `drill+7Q2m/Z8xK"4vT9pL1sB6nW`;
/** The same, for a service that no drill asks. */
const other = "drill.for-another-service.K3r8Vy5Q";

/** A plugin that may send a secret to the open prey, and never see it. */
async function sender(ground: Ground): Promise<void> {
  if (ground.host.plugins.list().some(({ id }) => id === "local/sender")) return;
  const { host, prey } = ground;
  const origin = `http://127.0.0.1:${prey.port}`;
  const rest = { wildcard: false, force: true };
  await host.secrets.set("drill", { value, audience: [origin], ...rest }, driller);
  const elsewhere = ["https://api.drill.example"];
  await host.secrets.set("drill-other", { value: other, audience: elsewhere, ...rest }, driller);
  for (const [id, secret] of [
    ["sender", "drill"],
    ["lender", "drill-other"],
  ] as const)
    await ground.install(
      asker(ground, {
        id,
        grants: {
          grants: 1,
          network: [
            { scheme: "http", host: "127.0.0.1", port: prey.port, methods: ["GET"], path: "/" },
          ],
          secrets: [{ name: "TOKEN", secret, mode: "inject" }],
        },
      }),
    );
}

async function fetchText(ground: Ground, id: string, path: string): Promise<string> {
  await sender(ground);
  const request = fetchOf(`http://127.0.0.1:${ground.prey.port}${path}`);
  return JSON.stringify(await ask(ground, id, "network_fetch", request));
}

const sent = ({ prey }: Ground, wanted: string): boolean =>
  prey.lastHeaders().some((line) => line.includes(wanted));

async function injected(ground: Ground): Promise<Outcome> {
  const text = await fetchText(ground, "sender", "/");
  if (!sent(ground, value)) return broken(`the secret was not sent: ${text.slice(0, 100)}`);
  return held("what was granted is sent");
}

/** Everything by which the value could be known again; what base64 shares with its neighbors is cut. */
function needles(): readonly string[] {
  const bytes = Buffer.from(value);
  const inner = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(4, -8),
  );
  return [
    ...[value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)],
    ...[bytes.toString("hex"), bytes.toString("hex").toUpperCase()],
    ...[...inner, bytes.toString("base64url").slice(0, -4)],
  ];
}

async function echoed(ground: Ground): Promise<Outcome> {
  for (const path of echoPaths) {
    const text = await fetchText(ground, "sender", path);
    if (!sent(ground, value)) return broken(`no proof, it was not sent to ${path}`);
    const whole = JSON.stringify(value).slice(1, -1);
    // The answer is JSON around JSON, so that a quote is escaped once more.
    const found = [...needles(), JSON.stringify(whole).slice(1, -1)].some((one) =>
      text.includes(one),
    );
    if (found) return broken(`the guest got it back by ${path}`);
  }
  return held(`${echoPaths.length} ways to give it back were seen through`);
}

async function lent(ground: Ground): Promise<Outcome> {
  const text = await fetchText(ground, "lender", "/echo/plain");
  if (sent(ground, other)) return broken("it was sent to a host that is not its audience");
  return held(text.includes('"code"') ? "the request was refused" : "the request went without it");
}

async function seen(ground: Ground): Promise<Outcome> {
  await sender(ground);
  for (const name of ["TOKEN", "SEEN", "drill", "drill-other"]) {
    const { ok, error } = await ask(ground, "sender", "secrets_get", { name });
    if (ok !== undefined || error === undefined) return broken(`it got ${name}`);
  }
  return held("a secret that may be sent may not be seen");
}

/** Attacks on a secret that a plugin may have sent and not see. */
export const secretDrills: readonly Drill[] = [
  { name: "granted secret", rule: "What was granted works", run: injected },
  { name: "secret seen", rule: "A secret to be sent is never shown to the guest", run: seen },
  {
    name: "secret for another host",
    rule: "A secret goes to its own audience, whoever asks for it",
    run: lent,
  },
  {
    name: "secret echoed",
    rule: "A secret that comes back is taken out, in its usual encodings",
    run: echoed,
  },
];
