import type { Grants } from "#manifests/grants.ts";
import type { Uses } from "#manifests/uses.ts";

/** How much of what was asked was needed. */
export type Need = "unused" | "less" | "all" | "not tried";

/** One thing that a manifest asks for, and how much of it was needed. */
export interface LearnedAsk {
  /** Its place in `uses`: `network[0]`, `files.cache`, `kv`, … */
  readonly entry: string;
  readonly need: Need;
  /** What would have done, where it is less: `GET https://a.example/core/`. */
  readonly least: readonly string[];
}

/** What was asked, what was granted to try it, and the least that would have done. */
export interface Compared {
  readonly uses: Uses;
  readonly had: Grants;
  readonly least: Grants;
}

/** Compares what an author asks for with what was needed, entry by entry, in the manifest's order. */
export function compareAsks({ uses, had, least }: Compared): readonly LearnedAsk[] {
  return [
    ...uses.network.map((ask, index) => {
      const isSame = (grant: Grants["network"][number]): boolean =>
        grant.scheme === ask.scheme && grant.host === ask.host && grant.port === ask.port;
      const given = had.network.find((grant) => isSame(grant) && grant.path === ask.path);
      const used = least.network.filter(
        (grant) =>
          grant.scheme === ask.scheme &&
          grant.port === ask.port &&
          reaches(ask.host, grant.host) &&
          grant.path.startsWith(ask.path) &&
          grant.methods.some((method) => ask.methods.includes(method)),
      );
      const texts = used.map(
        ({ methods, scheme, host, path }) => `${methods.join(", ")} ${scheme}://${host}${path}`,
      );
      const isAll = used.some(
        ({ host, path, methods }) =>
          host === ask.host && path === ask.path && methods.length === ask.methods.length,
      );
      return needOf(`network[${index}]`, given === undefined, texts, isAll);
    }),
    ...uses.secrets.map(({ name }) => {
      const used = least.secrets.filter((grant) => grant.name === name);
      return needOf(
        `secrets.${name}`,
        false,
        used.map(({ mode }) => mode),
        used.length > 0,
      );
    }),
    ...uses.files.map((ask) => {
      const used = least.files.filter(({ name }) => name === ask.name);
      const isAll = used.some(({ access }) => access === ask.access);
      return needOf(
        `files.${ask.name}`,
        false,
        used.map(({ access }) => access),
        isAll,
      );
    }),
    ...(uses.kv === null ? [] : [needOf("kv", false, least.kv === null ? [] : ["kv"], true)]),
    ...uses.tools.map(({ alias, tools }) => {
      const isAbsent = !had.tools.some((grant) => grant.alias === alias);
      const used = least.tools.find((grant) => grant.alias === alias);
      const names = used?.tools ?? [];
      return needOf(`tools.${alias}`, isAbsent, names, names.length === tools.length);
    }),
  ];
}

function reaches(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  return pattern.startsWith("*.") && host.endsWith(pattern.slice(1));
}

function needOf(
  entry: string,
  isNotTried: boolean,
  used: readonly string[],
  isAll: boolean,
): LearnedAsk {
  if (isNotTried) return { entry, need: "not tried", least: [] };
  if (used.length === 0) return { entry, need: "unused", least: [] };
  return isAll ? { entry, need: "all", least: [] } : { entry, need: "less", least: used };
}
