import type { AuditRecord } from "#manifests/audit.ts";
import type { Config } from "#manifests/config.ts";
import type { Audit } from "./audit.ts";
import type { AuditQuery } from "./audit/query.ts";
import type { Books } from "./books.ts";
import type { Denials } from "./denials.ts";
import type { Events } from "./events.ts";
import type { Caller } from "./keys.ts";

/** Which records somebody wants to see, as they wrote it. */
export interface AuditWish {
  readonly plugin?: string;
  readonly kind?: string;
  readonly owner?: string;
  readonly decision?: string;
  readonly callId?: string;
  /** Times in UTC, ISO 8601. */
  readonly since?: string;
  readonly until?: string;
  /** Only records with lower numbers. */
  readonly before?: number;
  readonly limit: number;
}

/** The books as the doors see them. */
export interface BooksView {
  /** Records of the audit, newest last. */
  auditQuery(wish: AuditWish): Promise<readonly unknown[]>;
  readonly audit: Pick<Audit, "follow" | "verify" | "heads" | "export"> & {
    /** Removes what is older than some days or beyond a size. Returns the last record that is gone. */
    prune(by: Caller, keep: Partial<Config["audit"]>): Promise<number | undefined>;
  };
  readonly events: Pick<Events, "recent" | "follow">;
  /** Records a request that a door turned away. */
  readonly refused: Denials["refused"];
}

/** Returns what the doors see of the books. */
export function viewBooks(
  parts: Pick<Books, "audit" | "events" | "denials"> & { readonly config: { current: Config } },
): BooksView {
  const { audit, events, denials, config } = parts;
  return {
    auditQuery: (wish) => audit.query(toQuery(wish)),
    audit: {
      follow: (hear) => audit.follow(hear),
      verify: (wish) => audit.verify(wish),
      heads: () => audit.heads(),
      export: () => audit.export(),
      prune: (by, keep) => prune(parts, { ...config.current.audit, ...keep, by }),
    },
    events,
    refused: denials.refused,
  };
}

/** Removes what is too old or too much of the audit, and tells of it. */
export async function prune(
  { audit, events }: Pick<Books, "audit" | "events">,
  retention: Parameters<Audit["prune"]>[0],
): Promise<number | undefined> {
  const last = await audit.prune(retention);
  if (last !== undefined)
    events.emit({ kind: "auditPruned", text: `records of the audit up to ${last} were removed` });
  return last;
}

/** Returns a query as it was meant; what no record can be is found in none. */
export function toQuery({ since, until, kind, decision, ...wish }: AuditWish): AuditQuery {
  return {
    ...wish,
    ...(kind !== undefined && { kind: kind as AuditRecord["kind"] }),
    ...(decision !== undefined && { decision: decision as AuditRecord["decision"] }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  };
}
