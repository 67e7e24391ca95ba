/** What a URL comes to under a grant: covered, not covered, or refused as one that programs read in different ways. */
export type Verdict = "covered" | "not covered" | "refused";

/** What an operator granted: `METHOD,METHOD scheme://host:port/path`. */
export type GrantText = string;

/** A grant, a URL (GET unless a method stands before it), and what must come of it. */
export type UrlCase = readonly [grant: GrantText, url: string, verdict: Verdict];

const api = "GET https://api.example.com:443/";
const any = "GET https://*:443/";
const below = "GET https://*.example.com:443/";
const v1 = "GET https://api.example.com:443/v1";

const all = (grant: GrantText, verdict: Verdict, urls: readonly string[]): readonly UrlCase[] =>
  urls.map((url) => [grant, url, verdict] as const);

/** Every encoding of `..` with one of the separators, in the middle of a path. */
const dots = ["..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", ".%2E"];
const climbs = dots.flatMap((up) => [
  `https://api.example.com/v1/${up}/admin`,
  `https://api.example.com/v1/a/${up}/${up}/admin`,
  `https://api.example.com/v1/${up}`,
]);
const encodedSeparators = [
  "%2f",
  "%2F",
  "%5c",
  "%5C",
  "%00",
  "%252f",
  "%255c",
  "%252e%252e/",
  "%25252f",
];

/** Hand-written rules of URLs and hosts. */
export const urlCases: readonly UrlCase[] = [
  // Scheme
  ...all(api, "covered", [
    "https://api.example.com/",
    "HTTPS://api.example.com/",
    "https://api.example.com",
  ]),
  ...all(api, "not covered", ["http://api.example.com/", "http://api.example.com:443/"]),
  ...all(api, "refused", [
    ...["ftp", "file", "data", "javascript", "blob", "ws", "wss", "gopher", "unix", "about"].map(
      (scheme) => `${scheme}://api.example.com/`,
    ),
    "//api.example.com/",
    "/v1",
    "api.example.com",
    "",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:api.example.com/",
    "https:/api.example.com/",
    "https:///api.example.com/",
    "https:////api.example.com/",
    "view-source:https://api.example.com/",
    "https//api.example.com/",
    "https;//api.example.com/",
    "xhttps://api.example.com/",
    "://api.example.com/",
  ]),
  // White space, control characters, backslashes
  ...all(any, "refused", [
    " https://api.example.com/",
    "https://api.example.com/ ",
    "https://api.example.com/a b",
    "\thttps://api.example.com/",
    "ht\ntps://api.example.com/",
    "https://api.exam\tple.com/",
    "https://api.example.com/\r\nx: y",
    "https://api.example.com/\u0000",
    "https://api.example.com/\u007f",
    "https:\\\\api.example.com\\",
    "https://api.example.com\\@evil.test/",
    "https://evil.test\\.api.example.com/",
    "https://api.example.com/a\\b",
    "https://api.example.com\\/a",
    "https:/\\api.example.com/",
  ]),
  // Userinfo
  ...all(any, "refused", [
    "https://user@api.example.com/",
    "https://user:pass@api.example.com/",
    "https://:pass@api.example.com/",
    "https://@api.example.com/",
    "https://:@api.example.com/",
    "https://api.example.com@evil.test/",
    "https://api.example.com:443@evil.test/",
    "https://api.example.com%40evil.test/",
    "https://a@b@api.example.com/",
    "https://api.example.com:80%23@evil.test:443/",
  ]),
  ...all(api, "covered", [
    "https://api.example.com/@evil.test",
    "https://api.example.com/?a=@b",
    "https://api.example.com#@evil.test",
  ]),
  // Case
  ...all(api, "covered", [
    "https://API.EXAMPLE.COM/",
    "https://Api.Example.Com/",
    "https://aPI.example.cOM:443/",
  ]),
  // Trailing dots, empty labels, odd labels
  ...all(any, "refused", [
    "https://api.example.com./",
    "https://api.example.com../",
    "https://api.example.com.:443/",
    "https://.example.com/",
    "https://api..example.com/",
    "https://./",
    "https://../",
    "https://-a.example.com/",
    "https://a-.example.com/",
    "https://a!b.example.com/",
    "https://a$b.example.com/",
    "https://a,b.example.com/",
    "https://a;b.example.com/",
    "https://a*b.example.com/",
    "https://*.example.com/",
    "https://a'b.example.com/",
    "https://(a).example.com/",
    "https://a=b.example.com/",
    "https://a+b.example.com/",
    "https://a~b.example.com/",
    "https://a%20b.example.com/",
    "https://a|b.example.com/",
    "https://a^b.example.com/",
    "https://a<b.example.com/",
    "https://[a.example.com/",
    `https://${"a".repeat(64)}.example.com/`,
    `https://${"a.".repeat(127)}example.com/`,
    "https://%61pi.example.com/",
    "https://api%2eexample.com/",
    "https://api.example.com%2f/",
    "https://api.example.com%00.evil.test/",
    "https://api.example.com%23.evil.test/",
    "https://api.example.com%3a443/",
  ]),
  ...all(below, "covered", [
    `https://${"a".repeat(63)}.example.com/`,
    "https://a_b.example.com/",
    "https://_dmarc.example.com/",
    "https://1.example.com/",
  ]),
  // Ports
  ...all(api, "covered", [
    "https://api.example.com:443/",
    "https://api.example.com:/",
    "https://api.example.com:0443/",
  ]),
  ...all(
    api,
    "not covered",
    [1, 80, 442, 444, 4430, 8443, 65_535].map((port) => `https://api.example.com:${port}/`),
  ),
  ...all(api, "refused", [
    "https://api.example.com:0/",
    "https://api.example.com:00/",
    "https://api.example.com:65536/",
    "https://api.example.com:-443/",
    "https://api.example.com:443a/",
    "https://api.example.com:443:443/",
    "https://api.example.com:４４３x/",
    "https://:443/",
  ]),
  ...all("GET http://api.example.com:8080/", "covered", ["http://api.example.com:8080/"]),
  ...all("GET http://api.example.com:8080/", "not covered", [
    "http://api.example.com/",
    "http://api.example.com:80/",
    "http://api.example.com:8081/",
  ]),
  ...all("GET http://api.example.com:443/", "covered", ["http://api.example.com:443/"]),
  ...all("GET http://api.example.com:443/", "not covered", [
    "https://api.example.com:443/",
    "https://api.example.com/",
  ]),
  // Another host that looks like it
  ...all(api, "not covered", [
    "https://api.example.com.evil.test/",
    "https://evil.test/api.example.com",
    "https://evil.test/?https://api.example.com/",
    "https://evil.test#https://api.example.com/",
    "https://xapi.example.com/",
    "https://api-example.com/",
    "https://apiexample.com/",
    "https://example.com/",
    "https://api.example.co/",
    "https://api.example.comm/",
    "https://a.api.example.com/",
    "https://api.example.com.br/",
  ]),
  // Patterns
  ...all(below, "covered", [
    "https://a.example.com/",
    "https://a.b.example.com/",
    "https://a.b.c.d.example.com/",
    "https://A.EXAMPLE.com/",
    "https://xn--bcher-kva.example.com/",
  ]),
  ...all(below, "not covered", [
    "https://example.com/",
    "https://badexample.com/",
    "https://a.example.com.evil.test/",
    "https://a.example.org/",
    "https://com/",
    "https://a.xexample.com/",
    "https://example.com.a/",
  ]),
  ...all("GET https://*.a.example.com:443/", "covered", [
    "https://b.a.example.com/",
    "https://c.b.a.example.com/",
  ]),
  ...all("GET https://*.a.example.com:443/", "not covered", [
    "https://a.example.com/",
    "https://b.example.com/",
    "https://ba.example.com/",
  ]),
  ...all(any, "covered", [
    "https://a/",
    "https://example.com/",
    "https://8.8.8.8/",
    "https://[2606:4700::1]/",
    "https://a.b.c/",
  ]),
  ...all(any, "not covered", ["http://example.com/", "https://example.com:444/"]),
  ...all("GET https://*.8.8.8:443/", "not covered", ["https://8.8.8.8/"]),
  // Methods
  ...all(api, "covered", ["get https://api.example.com/", "Get https://api.example.com/"]),
  ...all(
    api,
    "not covered",
    ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].map(
      (method) => `${method} https://api.example.com/`,
    ),
  ),
  ...all("GET,POST https://api.example.com:443/", "covered", [
    "POST https://api.example.com/",
    "post https://api.example.com/",
  ]),
  ...all(
    api,
    "refused",
    ["CONNECT", "TRACE", "TRACK", "PROPFIND", "G ET", "GET\u0000", "GÉT", "PRI", "*"].map(
      (method) => `${method}\u2028https://api.example.com/`,
    ),
  ),
  // Names in other scripts are compared by their punycode
  ...all("GET https://xn--bcher-kva.example:443/", "covered", [
    "https://bücher.example/",
    "https://BÜCHER.example/",
    "https://xn--bcher-kva.example/",
    "https://XN--BCHER-KVA.example/",
    "https://bu\u0308cher.example/",
  ]),
  ...all("GET https://xn--bcher-kva.example:443/", "not covered", [
    "https://bucher.example/",
    "https://buecher.example/",
  ]),
  // The parser makes these the granted host itself, and that is what is connected to
  ...all(api, "covered", [
    "https://api。example。com/",
    "https://ａｐｉ.example.com/",
    "https://api.exam\u00adple.com/",
  ]),
  // Letters that look alike are other letters
  ...all(api, "not covered", [
    "https://аpi.example.com/",
    "https://api.exаmple.com/",
    "https://api.ехample.com/",
    "https://api.example.ϲom/",
    "https://apı.example.com/",
  ]),
  ...all(any, "refused", [
    "https://xn--/",
    "https://a\ufffdb.example/",
    "https://api.example.com\u3002/",
  ]),
  // Broken punycode is a name like any other, which nobody has
  ...all(any, "covered", ["https://xn--a/", "https://xn--zzzzzzzz99999.example/"]),
  // Path prefixes
  ...all(v1, "covered", [
    "https://api.example.com/v1",
    "https://api.example.com/v1/",
    "https://api.example.com/v1/a",
    "https://api.example.com/v1/a/b?c=d",
    "https://api.example.com/v1?c=/../x",
    "https://api.example.com/v1#x",
    "https://api.example.com/%76%31/a",
    "https://api.example.com/v%31",
    "https://api.example.com/a/../v1/b",
    "https://api.example.com/./v1/b",
    "https://api.example.com/v1/a/../b",
    "https://api.example.com/v1//a",
    "https://api.example.com/v1/a%20b",
    "https://api.example.com/v1/ü",
    "https://api.example.com/v1/%C3%BC",
    "https://api.example.com/v1/...",
    "https://api.example.com/v1/a..b",
    "https://api.example.com/v1/..a",
    "https://api.example.com/v1/;a",
    "https://api.example.com/v1/100%25",
  ]),
  ...all(v1, "not covered", [
    "https://api.example.com/",
    "https://api.example.com",
    "https://api.example.com/v10",
    "https://api.example.com/v10/a",
    "https://api.example.com/v1a",
    "https://api.example.com/v1.0",
    "https://api.example.com/v1;a",
    "https://api.example.com/v",
    "https://api.example.com/V1/a",
    "https://api.example.com/a/v1",
    "https://api.example.com//v1/a",
    "https://api.example.com/v1/../v10",
    "https://api.example.com/v1/..;/admin",
    "https://api.example.com/v1/.;/admin",
    "https://api.example.com/v1/..;a=b/admin",
    "https://api.example.com/v1/%2e.;/admin",
    "https://api.example.com/v1/%2e%2e%3b/admin",
    ...climbs,
    ...encodedSeparators.flatMap((separator) => [
      `https://api.example.com/v1${separator}a`,
      `https://api.example.com/v1/..${separator}admin`,
      `https://api.example.com/v1/a${separator}..${separator}..${separator}admin`,
    ]),
  ]),
  ...all("GET https://api.example.com:443/v1/", "covered", [
    "https://api.example.com/v1/",
    "https://api.example.com/v1/a",
  ]),
  ...all("GET https://api.example.com:443/v1/", "not covered", [
    "https://api.example.com/v1",
    "https://api.example.com/v1a/",
  ]),
  ...all("GET https://api.example.com:443/a%20b", "covered", [
    "https://api.example.com/a%20b",
    "https://api.example.com/%61%20b/c",
  ]),
  ...all("GET https://api.example.com:443/a%2fb", "not covered", [
    "https://api.example.com/a%2fb",
    "https://api.example.com/a/b",
  ]),
  ...all("GET https://api.example.com:443/a/../b", "not covered", [
    "https://api.example.com/b",
    "https://api.example.com/a/../b",
  ]),
  ...all(
    api,
    "covered",
    encodedSeparators.map((separator) => `https://api.example.com/a${separator}b`),
  ),
  // Addresses: only in their usual form
  ...all("GET https://8.8.8.8:443/", "covered", ["https://8.8.8.8/", "https://8.8.8.8:443/"]),
  ...all(any, "refused", [
    "https://134744072/",
    "https://0x08080808/",
    "https://0X8080808/",
    "https://010.8.8.8/",
    "https://8.8.8.010/",
    "https://0x8.8.8.8/",
    "https://8.8.2056/",
    "https://8.526344/",
    "https://8.8.8/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://8.8.8.8./",
    "https://8.8.8.256/",
    "https://8.8.8.8.8/",
    "https://256.1.1.1/",
    "https://4294967296/",
    "https://08.8.8.8/",
    "https://８.8.8.8/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://00000177.0.0.01/",
    "https://1.2.3.4x@8.8.8.8/",
  ]),
  ...all("GET https://[2606:4700::1111]:443/", "covered", [
    "https://[2606:4700::1111]/",
    "https://[2606:4700:0:0:0:0:0:1111]/",
    "https://[2606:4700:0000::1111]:443/",
    "https://[2606:4700::0.0.17.17]/",
    "https://[2606:4700::1111]:/",
  ]),
  ...all("GET https://[2606:4700::1111]:443/", "not covered", [
    "https://[2606:4700::1112]/",
    "https://[::1]/",
    "https://[::ffff:8.8.8.8]/",
  ]),
  ...all(any, "refused", [
    "https://[::1/",
    "https://::1/",
    "https://[::1]x/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[1::2::3]/",
    "https://[:::1]/",
    "https://[12345::1]/",
    "https://[::1.2.3]/",
    "https://[]/",
    "https://[v1.a]/",
  ]),
];
