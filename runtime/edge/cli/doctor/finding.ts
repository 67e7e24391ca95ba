/** What one look at the machine, the home or the host gave. */
export interface Finding {
  readonly name: string;
  /** `failed` keeps the host from working; a `warning` does not. */
  readonly state: "ok" | "warning" | "failed";
  /** How it is; may hold text of the system or of a host. */
  readonly detail: string;
  /** What to do; empty when all is well. */
  readonly hint: string;
}

/** Returns a finding that needs nothing to be done. */
export function fine(name: string, detail: string): Finding {
  return { name, state: "ok", detail, hint: "" };
}

/** Returns a finding that somebody should look at. */
export function warning(name: string, detail: string, hint: string): Finding {
  return { name, state: "warning", detail, hint };
}

/** Returns a finding that keeps the host from working. */
export function failed(name: string, detail: string, hint: string): Finding {
  return { name, state: "failed", detail, hint };
}
