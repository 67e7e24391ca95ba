import { fetchText } from "../../../plugin-sdk/assemblyscript/assembly/host";
import { Json, parse, quote } from "../../../plugin-sdk/assemblyscript/assembly/json";
import { memberText } from "./issue";

const HOST = "https://api.github.com";
// The version of the API whose answers this plugin reads; the token is the host's to add.
const HEADERS =
  '{"accept":"application/vnd.github+json","x-github-api-version":"2022-11-28"' +
  ',"user-agent":"convergio-github-issues","content-type":"application/json"}';

/** What GitHub answered: a value, or a `problem` to show to whoever called. */
export class Reply {
  json: Json | null = null;
  problem: string | null = null;
}

/** Asks for what lies at a path. */
export function get(path: string): Reply {
  return replyOf(`{"url":${quote(HOST + path)},"method":"GET","headers":${HEADERS}}`);
}

/** Sends JSON text to a path. */
export function post(path: string, body: string): Reply {
  return replyOf(
    `{"url":${quote(HOST + path)},"method":"POST","headers":${HEADERS},"body":${quote(body)}}`,
  );
}

function replyOf(request: string): Reply {
  const reply = new Reply();
  const response = fetchText(request);
  if (response.problem !== null) {
    reply.problem = response.problem;
    return reply;
  }
  const json = parse(response.text);
  if (response.status < 200 || response.status > 299) {
    const said = json === null ? "" : memberText(json, "message");
    reply.problem = `GitHub answered ${response.status}` + (said == "" ? "" : ": " + said);
  } else if (json === null) reply.problem = "GitHub answered what is no JSON";
  else reply.json = json;
  return reply;
}
