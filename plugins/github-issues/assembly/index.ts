import { Json, Kind, parse, quote } from "../../../plugin-sdk/assemblyscript/assembly/json";
import { answerText, fail, inputText } from "../../../plugin-sdk/assemblyscript/assembly/pdk";
import { get, post, Reply } from "./github";
import { issueOf, memberText } from "./issue";

/** Lists issues. GitHub counts pull requests among them; they are left out. */
export function list(): i32 {
  const input = readInput();
  if (input === null) return fail("Cannot list the issues: the input is no JSON object");
  const limit = input.get("limit");
  const count = limit === null || limit.kind != Kind.Number ? 30 : <i32>limit.number;
  const state = input.textOf("state");
  const query =
    `?state=${state === null ? "open" : state}&per_page=${count}` +
    labelsQuery(input.get("labels"));
  const reply = get(`/repos/${memberText(input, "repository")}/issues${query}`);
  if (reply.problem !== null) return fail("Cannot list the issues: " + reply.problem!);
  const issues = new Array<string>();
  const items = reply.json!.items;
  for (let i = 0; i < items.length; i++) {
    if (items[i].get("pull_request") === null) issues.push(`{${issueOf(items[i])}}`);
  }
  return answerText(`{"issues":[${issues.join(",")}]}`);
}

/** Reads one issue and what was answered. */
export function read(): i32 {
  const input = readInput();
  if (input === null) return fail("Cannot read the issue: the input is no JSON object");
  const path = issuePath(input);
  const issue = get(path);
  if (issue.problem !== null) return fail("Cannot read the issue: " + issue.problem!);
  const comments = get(path + "/comments?per_page=100");
  if (comments.problem !== null) return fail("Cannot read the comments: " + comments.problem!);
  const answers = new Array<string>();
  const items = comments.json!.items;
  for (let i = 0; i < items.length; i++) answers.push(answerOf(items[i]));
  const body = quote(memberText(issue.json!, "body"));
  return answerText(`{${issueOf(issue.json!)},"body":${body},"answers":[${answers.join(",")}]}`);
}

/** Opens an issue. */
export function open(): i32 {
  const input = readInput();
  if (input === null) return fail("Cannot open the issue: the input is no JSON object");
  const labels = input.get("labels");
  const written =
    `{"title":${quote(memberText(input, "title"))},"body":${quote(memberText(input, "body"))}` +
    (labels === null ? "}" : `,"labels":${textsOf(labels)}}`);
  const reply = post(`/repos/${memberText(input, "repository")}/issues`, written);
  if (reply.problem !== null) return fail("Cannot open the issue: " + reply.problem!);
  const number = reply.json!.get("number");
  const found = number === null ? 0 : <i32>number.number;
  return answerText(`{"number":${found},"url":${urlOf(reply)}}`);
}

/** Adds a comment. */
export function comment(): i32 {
  const input = readInput();
  if (input === null) return fail("Cannot comment: the input is no JSON object");
  const reply = post(
    issuePath(input) + "/comments",
    `{"body":${quote(memberText(input, "body"))}}`,
  );
  if (reply.problem !== null) return fail("Cannot comment: " + reply.problem!);
  return answerText(`{"url":${urlOf(reply)}}`);
}

function readInput(): Json | null {
  const input = parse(inputText());
  return input === null || input.kind != Kind.Object ? null : input;
}

function issuePath(input: Json): string {
  const number = input.get("number");
  const text = number === null ? "0" : (<i32>number.number).toString();
  return `/repos/${memberText(input, "repository")}/issues/${text}`;
}

function urlOf(reply: Reply): string {
  return quote(memberText(reply.json!, "html_url"));
}

function answerOf(item: Json): string {
  const user = item.get("user");
  const author = user === null ? "" : memberText(user, "login");
  const at = memberText(item, "created_at");
  return `{"author":${quote(author)},"createdAt":${quote(at)},"body":${quote(memberText(item, "body"))}}`;
}

/** Texts of an array, written again: what else it held is gone. */
function textsOf(list: Json): string {
  const texts = new Array<string>();
  for (let i = 0; i < list.items.length; i++) {
    if (list.items[i].kind == Kind.String) texts.push(quote(list.items[i].text));
  }
  return `[${texts.join(",")}]`;
}

function labelsQuery(labels: Json | null): string {
  if (labels === null || labels.items.length == 0) return "";
  const names = new Array<string>();
  for (let i = 0; i < labels.items.length; i++) {
    names.push(encodeURIComponent(labels.items[i].text));
  }
  return "&labels=" + names.join("%2C");
}
