import { Json, Kind, quote } from "../../../plugin-sdk/assemblyscript/assembly/json";

/** The members of an issue as the tools give them, without the braces around them. */
export function issueOf(issue: Json): string {
  const user = issue.get("user");
  const author = user === null || user.kind != Kind.Object ? "" : memberText(user, "login");
  return (
    `"number":${whole(issue, "number")},"title":${quote(memberText(issue, "title"))}` +
    `,"state":${quote(memberText(issue, "state"))},"author":${quote(author)}` +
    `,"labels":[${labelNames(issue.get("labels")).join(",")}]` +
    `,"comments":${whole(issue, "comments")}` +
    `,"createdAt":${quote(memberText(issue, "created_at"))}` +
    `,"url":${quote(memberText(issue, "html_url"))}`
  );
}

/** The text of a member, empty when it is not there or no text. */
export function memberText(value: Json, key: string): string {
  const text = value.textOf(key);
  return text === null ? "" : text;
}

function whole(value: Json, key: string): string {
  const found = value.get(key);
  return found === null || found.kind != Kind.Number ? "0" : (<i64>found.number).toString();
}

function labelNames(labels: Json | null): string[] {
  const names = new Array<string>();
  if (labels === null) return names;
  for (let i = 0; i < labels.items.length; i++) {
    names.push(quote(memberText(labels.items[i], "name")));
  }
  return names;
}
