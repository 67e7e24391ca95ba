/** Longest texts of formats that are short by their nature, so that nothing scans a megabyte. */
const shortCharsMax = 320;

const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const hostName = new RegExp(`^${label}(?:\\.${label})*$`);
const emailName = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const dateForm = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const timeForm =
  /^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,20})?(?:[zZ]|([+-])([0-9]{2}):([0-9]{2}))$/;
const parts = (units: string): string => units.replace(/./g, "(?:[0-9]{1,18}$&)?");
const durationForm = new RegExp(
  `^P(?:[0-9]{1,18}W|(?=[0-9T])${parts("YMD")}(?:T(?=[0-9])${parts("HMS")})?)$`,
);
const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const ipv4Form = new RegExp(`^${octet}(?:\\.${octet}){3}$`);
const uuidForm = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
/** What RFC 3986 has no place for: other characters, and a percent sign without two digits. */
const notOfUri = /[^\w\-.~:/?#[\]@!$&'()*+,;=%]|%(?![0-9a-fA-F]{2})/;
const scheme = /^[A-Za-z][A-Za-z0-9+.-]{0,63}:/;

/**
 * The formats that are checked, each with a linear test; any other is refused at install.
 *
 * @see https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3
 */
export const formats: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["date-time", short(isDateTime)],
  ["date", short(isDate)],
  ["time", short(isTime)],
  ["duration", short((text) => durationForm.test(text))],
  ["email", short(isEmail)],
  ["hostname", short(isHostName)],
  ["ipv4", short((text) => ipv4Form.test(text))],
  ["ipv6", short(isIpv6)],
  ["uuid", short((text) => uuidForm.test(text))],
  ["uri", (text) => scheme.test(text) && isUriReference(text)],
  ["uri-reference", isUriReference],
]);

function short(test: (text: string) => boolean): (text: string) => boolean {
  return (text) => text.length <= shortCharsMax && test(text);
}

function isDate(text: string): boolean {
  const [, year, month, day] = (dateForm.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

/** @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
function isTime(text: string): boolean {
  const found = timeForm.exec(text);
  if (found === null) return false;
  const [hour = 0, minute = 0, second = 0] = found.slice(1, 4).map(Number);
  const [zoneHour = 0, zoneMinute = 0] = found.slice(5, 7).map((part) => Number(part ?? 0));
  if (hour > 23 || minute > 59 || zoneHour > 23 || zoneMinute > 59) return false;
  if (second < 60) return true;
  // A leap second ends a day of UTC.
  const sign = found[4] === "-" ? -1 : 1;
  const utc = hour * 60 + minute - sign * (zoneHour * 60 + zoneMinute);
  return second === 60 && (utc + 2_880) % 1_440 === 1_439;
}

function isDateTime(text: string): boolean {
  const [date = "", time = "", ...rest] = text.split(/[tT]/);
  return rest.length === 0 && isDate(date) && isTime(time);
}

function isHostName(text: string): boolean {
  return text.length <= 253 && hostName.test(text);
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf("@");
  return at > 0 && at <= 64 && emailName.test(text.slice(0, at)) && isHostName(text.slice(at + 1));
}

/** @see https://www.rfc-editor.org/rfc/rfc4291#section-2.2 */
function isIpv6(text: string): boolean {
  const [before = "", after, ...rest] = text.split("::");
  if (rest.length > 0) return false;
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const all = [...groups(before), ...groups(after ?? "")];
  const last = all.at(-1) ?? "";
  const endsInIpv4 = last.includes(".") && (after === undefined || groups(after).length > 0);
  const hex = endsInIpv4 ? all.slice(0, -1) : all;
  if (endsInIpv4 && !ipv4Form.test(last)) return false;
  if (!hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = hex.length + (endsInIpv4 ? 2 : 0);
  return after === undefined ? count === 8 : count <= 7;
}

function isUriReference(text: string): boolean {
  return !notOfUri.test(text);
}
