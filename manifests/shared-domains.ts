/**
 * Second labels that many country registries sell names under: `example.co.uk`.
 *
 * A whole list of public suffixes has ten thousand rows and changes every week; this one errs on the
 * side of refusing, and misses suffixes that look like ordinary names (`city.kawasaki.jp`). What it
 * guards is a wildcard, which an operator must ask for by name: an exact host needs no list.
 *
 * @see https://publicsuffix.org/list/
 */
const registrySecondLabels: ReadonlySet<string> = new Set(
  (
    "ac adv asn asso biz co com coop ed edu firm gen go gob gouv gov govt gv id idf in inf info int " +
    "k12 law lg ltd me mil mod muni name ne net nhs nic nom or org plc police press priv pro res sch " +
    "school sld store tm tur tv web"
  ).split(" "),
);

/** Domains under which strangers get names of their own, or content that they chose. */
const sharedDomains: readonly string[] = [
  ..."amazonaws.com awsapprunner.com cloudfront.net elasticbeanstalk.com on.aws".split(" "),
  ..."azure-api.net azurecontainer.io azurecontainerapps.io azureedge.net azurefd.net".split(" "),
  ..."azurestaticapps.net azurewebsites.net cloudapp.azure.com cloudapp.net".split(" "),
  ..."trafficmanager.net core.windows.net sharepoint.com".split(" "),
  ..."appspot.com cloudfunctions.net run.app web.app firebaseapp.com firebaseio.com".split(" "),
  ..."storage.googleapis.com googleusercontent.com blogspot.com translate.goog".split(" "),
  ..."github.io githubusercontent.com githubpreview.dev app.github.dev gitlab.io".split(" "),
  ..."bitbucket.io gitpod.io codeberg.page sourceforge.io pages.dev workers.dev r2.dev".split(" "),
  ..."trycloudflare.com cloudflare-ipfs.com vercel.app now.sh netlify.app netlify.com".split(" "),
  ..."herokuapp.com fly.dev onrender.com railway.app up.railway.app koyeb.app".split(" "),
  ..."deno.dev deno.net val.run modal.run hf.space streamlit.app gradio.live".split(" "),
  ..."glitch.me repl.co replit.app replit.dev codesandbox.io csb.app stackblitz.io".split(" "),
  ..."surge.sh render.com edgecompute.app fastly.net akamaized.net edgekey.net".split(" "),
  ..."b-cdn.net digitaloceanspaces.com ondigitalocean.app linodeobjects.com".split(" "),
  ..."backblazeb2.com wasabisys.com supabase.co neon.tech oraclecloud.com ovh.net".split(" "),
  ..."myshopify.com wordpress.com wixsite.com webflow.io squarespace.com weebly.com".split(" "),
  ..."bubbleapps.io notion.site carrd.co atlassian.net zendesk.com freshdesk.com".split(" "),
  ..."my.salesforce.com force.com okta.com auth0.com onmicrosoft.com".split(" "),
  ..."ngrok.io ngrok.app ngrok.dev ngrok-free.app loca.lt localhost.run serveo.net".split(" "),
  ..."pinggy.link tunnelmole.net duckdns.org dyndns.org ddns.net no-ip.org".split(" "),
  ..."nip.io sslip.io xip.io localtest.me lvh.me synology.me quickconnect.to".split(" "),
  ..."pipedream.net webhook.site requestcatcher.com beeceptor.com".split(" "),
  ..."eu.org uk.com us.com de.com gb.net jpn.com za.com pp.ua".split(" "),
];

/**
 * Returns why names under a domain may belong to different people, or undefined when no rule says so.
 *
 * @param domain  in lower case and ASCII, without a dot at its ends
 */
export function sharedReason(domain: string): string | undefined {
  const labels = domain.split(".");
  if (labels.length < 2) return `everybody gets names under ${domain}`;
  const [second = "", top = ""] = labels.slice(-2);
  if (labels.length === 2 && top.length === 2 && registrySecondLabels.has(second))
    return `everybody gets names under ${domain}`;
  const shared = sharedDomains.find((each) => isUnder(domain, each) || isUnder(each, domain));
  return shared === undefined ? undefined : `strangers get names under ${shared}`;
}

/** Whether a name is a domain, or below it. */
function isUnder(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
