/** What a request carries besides its path. */
export interface Send {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as they are, under `contentType`. */
  readonly bytes?: Uint8Array;
  readonly contentType?: string;
  /** Media type wanted; JSON when left out. */
  readonly accept?: string;
  /** Hears how many bytes have left, when there are many. */
  readonly onSent?: (bytes: number) => void;
  /** Ends the request, and with it a call that it made. */
  readonly signal?: AbortSignal;
}

/** What came back. Untrusted: the host may be another's. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** One way to reach a host; the same commands go through all of them. */
export interface Door extends AsyncDisposable {
  /** `remote`: at an address; `live`: the host that runs in the home; `inside`: this process. */
  readonly kind: "remote" | "live" | "inside";
  /** Which host it is, in words for an error. */
  readonly where: string;
  request(method: string, path: string, send?: Send): Promise<Answer>;
}

/** A refusal as a host sent it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;
  readonly requestId: string | undefined;
}

/** Thrown when a host answered with a problem; its texts are untrusted. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}
