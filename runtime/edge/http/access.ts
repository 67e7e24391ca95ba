import type { FastifyRequest } from "fastify";
import type { Caller } from "../../keys.ts";

/** Who may use a route, and what it reads. Every route behind a key states it. */
export interface Access {
  /** The action that the key's scopes must cover; `own` is any key, for what is its own. */
  readonly scope:
    | "own"
    | "invoke"
    | "read"
    | "logs"
    | "install"
    | "grants"
    | "secrets"
    | "keys"
    | "admin";
  /** Media types of the body; empty when the route takes none. */
  readonly bodies: readonly string[];
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Left out only on routes that need no key. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; set before anything of the route runs. */
    caller: Caller;
    /** W3C trace id: the client's, or the request's own id. */
    traceId: string;
  }
}

/** A request behind a key, with what its schema checked. */
export type Keyed<Parts extends { Params?: unknown; Querystring?: unknown; Body?: unknown }> =
  FastifyRequest<Parts>;

/** The body of a route that takes JSON. */
export const json = ["application/json"] as const;
