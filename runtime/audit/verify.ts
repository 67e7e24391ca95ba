import type { AuditRecord } from "#manifests/audit.ts";
import { parseLine } from "../audit-line.ts";
import { claimOf, follow, type Head, origin } from "./chain.ts";
import { isSignedBy, type SignedHead } from "./host-key.ts";
import { piecesOf } from "./lines.ts";
import { type Segment, sizeOf } from "./segments.ts";

/** A head that somebody kept elsewhere; untrusted. */
export type KeptHead = Head & Partial<Pick<SignedHead, "key" | "signature">>;

/** What is checked, and against what. */
export interface VerifyWish {
  /** Heads that were kept elsewhere. */
  readonly heads?: readonly KeptHead[];
  /** Hears how many bytes were looked through of how many. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** What came of a check of all records. */
export interface Verdict {
  /**
   * `anchored`: as it was when the kept heads were taken; `consistent`: nothing contradicts itself, but
   * whoever can write all files could have made all of them anew.
   */
  readonly state: "anchored" | "consistent" | "broken";
  readonly records: number;
  readonly from: number;
  readonly to: Head;
  /** Files whose end the host's key has signed. */
  readonly seals: number;
  /** Number of the newest record that a kept head vouches for. */
  readonly anchoredTo: number | null;
  readonly broken: { readonly seq: number; readonly why: string } | null;
  /** What is no fault and still worth knowing. */
  readonly notes: readonly string[];
}

/** The audit to be checked. */
export interface Evidence {
  readonly segments: readonly Segment[];
  /** The end of it that the host knows. */
  readonly end: Head;
  /** Public half of the host's key. */
  readonly key: string;
}

/** Checks every record of the files against the one before, the seals, and the heads kept elsewhere. */
export async function verifyFiles(evidence: Evidence, wish: VerifyWish): Promise<Verdict> {
  const check = new Check(evidence, wish.heads ?? []);
  const total = evidence.segments.reduce((sum, segment) => sum + sizeOf(segment), 0);
  let done = 0;
  for (const segment of evidence.segments) {
    check.begin(segment);
    const stretch = { offset: 0, bytes: sizeOf(segment) };
    const pieces = stretch.bytes > 0 ? piecesOf(segment, stretch) : [];
    for await (const { lines } of pieces) {
      for (const line of lines) if (!check.read(line)) return check.verdict();
      done += lines.reduce((sum, line) => sum + line.length + 1, 0);
      wish.onProgress?.(done, total);
    }
  }
  check.end();
  return check.verdict();
}

class Check {
  readonly #evidence: Evidence;
  readonly #heads: ReadonlyMap<number, readonly KeptHead[]>;
  readonly #kept: readonly KeptHead[];
  /** Keys whose seals count: this host's, and those by which kept heads were signed. */
  readonly #keys: ReadonlySet<string>;
  readonly #notes: string[] = [];
  #head: Head | undefined;
  #from: Head | undefined;
  #segment: Segment | undefined;
  #isSealed = true;
  #unsealed: number | undefined;
  #seals = 0;
  #anchoredTo: number | null = null;
  #movedTo = 0;
  #isPruned = false;
  #broken: Verdict["broken"] = null;

  constructor(evidence: Evidence, heads: readonly KeptHead[]) {
    this.#evidence = evidence;
    this.#kept = heads;
    this.#heads = Map.groupBy(heads, ({ seq }) => seq);
    this.#keys = new Set([evidence.key, ...heads.flatMap(signerOf)]);
  }

  /** Goes on with the next file. */
  begin(segment: Segment): void {
    if (this.#segment !== undefined && !this.#isSealed) this.#unsealed = this.#head?.seq;
    this.#segment = segment;
    this.#isSealed = false;
  }

  /** Returns false when there is no use in going on. */
  read(line: Uint8Array): boolean {
    if (this.#head !== undefined && this.#head.seq >= this.#evidence.end.seq) return true;
    this.#head ??= this.#start(line);
    const before = this.#head;
    const next = follow(before, line);
    if (next === undefined) return this.#fail(before.seq + 1, whyNot(before, line));
    this.#head = next;
    for (const kept of this.#heads.get(next.seq) ?? []) this.#compare(kept, next);
    if (isOwn(line)) this.#readOwn(line, before);
    return this.#broken === null;
  }

  /** Looks at what only the end can tell. */
  end(): void {
    const { end } = this.#evidence;
    const head = this.#head ?? origin;
    if (this.#broken !== null) return;
    if (head.seq < end.seq) {
      this.#fail(head.seq + 1, `records ${head.seq + 1} to ${end.seq} are missing`);
      return;
    }
    if (head.digest !== end.digest) this.#fail(head.seq, "it is not what was written");
    const from = this.#from ?? origin;
    if (from.seq > 0 && !this.#isPruned)
      this.#fail(
        from.seq + 1,
        "what came before it is missing, and no record says that it was pruned",
      );
    if (this.#unsealed !== undefined && this.#unsealed > this.#movedTo)
      this.#fail(this.#unsealed, "its file ends without a seal");
    for (const kept of this.#kept) this.#judgeKept(kept, from, head);
  }

  verdict(): Verdict {
    const from = (this.#from ?? origin).seq + 1;
    const to = this.#head ?? origin;
    const isAnchored = this.#anchoredTo !== null;
    return {
      state: this.#broken !== null ? "broken" : isAnchored ? "anchored" : "consistent",
      records: to.seq - from + 1,
      from,
      to,
      seals: this.#seals,
      anchoredTo: this.#broken === null ? this.#anchoredTo : null,
      broken: this.#broken,
      notes: this.#notes,
    };
  }

  /** The first record of all, or the one after those that were pruned. */
  #start(line: Uint8Array): Head {
    const first = this.#segment?.first ?? 1;
    const claim = claimOf(line);
    this.#from =
      first === 1 || claim === undefined ? origin : { seq: first - 1, digest: claim.previous };
    return this.#from;
  }

  #fail(seq: number, why: string): false {
    this.#broken ??= { seq, why };
    return false;
  }

  #compare(kept: KeptHead, found: Head): void {
    if (kept.digest !== found.digest) {
      this.#fail(found.seq, "it is not the record whose digest was kept elsewhere");
      return;
    }
    const { key, signature } = kept;
    if (key !== undefined && key !== this.#evidence.key)
      this.#notes.push(`the head of record ${kept.seq} was signed by another key than this host's`);
    if (key !== undefined && signature !== undefined && !isSignedBy(key, kept, signature))
      this.#notes.push(`the signature of the kept head of record ${kept.seq} does not fit it`);
    this.#anchoredTo = Math.max(this.#anchoredTo ?? 0, kept.seq);
  }

  #judgeKept(kept: KeptHead, from: Head, head: Head): void {
    if (kept.seq > head.seq)
      this.#fail(head.seq + 1, `records ${head.seq + 1} to ${kept.seq} are missing`);
    if (kept.seq > from.seq) return;
    if (kept.seq === from.seq && kept.digest === from.digest) this.#anchoredTo ??= kept.seq;
    else this.#notes.push(`record ${kept.seq} was pruned, so its kept head says nothing`);
  }

  /** Reads what the audit says of itself. */
  #readOwn(line: Uint8Array, before: Head): void {
    const record = parseLine(Buffer.from(line).toString());
    if (record?.kind !== "audit") return;
    if (record.act === "seal") this.#readSeal(record, before);
    if (record.act === "move") this.#movedTo = Number(/ to (\d+)$/.exec(record.target ?? "")?.[1]);
    if (record.act === "damage") this.#readDamage(record);
    if (record.act === "cut") this.#notes.push(`record ${record.seq}: cut off ${record.target}`);
    const from = this.#from;
    if (record.act === "prune" && record.digest === from?.digest) this.#isPruned = true;
  }

  #readSeal({ seq, signer, target }: AuditRecord, before: Head): void {
    this.#isSealed = true;
    if (signer === null || !this.#keys.has(signer))
      this.#fail(seq, "its file is sealed by a key that is neither this host's nor of a kept head");
    else if (!isSignedBy(signer, before, target ?? "")) this.#fail(seq, "its seal does not fit");
    else this.#seals++;
  }

  #readDamage({ target }: AuditRecord): void {
    const [, seq = "0", why = "damaged"] = /^record (\d+): (.*)$/.exec(target ?? "") ?? [];
    this.#fail(Number(seq), `${why}; the host found that at a start`);
  }
}

/** The key that has signed a head which somebody kept: a home may have moved to another host. */
function signerOf(head: KeptHead): string[] {
  const { key, signature } = head;
  if (key === undefined || signature === undefined) return [];
  return isSignedBy(key, head, signature) ? [key] : [];
}

const auditMark = Buffer.from('"kind":"audit"');

function isOwn(line: Uint8Array): boolean {
  return Buffer.from(line.buffer, line.byteOffset, line.length).includes(auditMark);
}

function whyNot(before: Head, line: Uint8Array): string {
  const claim = claimOf(line);
  if (claim === undefined) return "it is no record";
  if (claim.seq !== before.seq + 1) return `record ${claim.seq} stands in its place`;
  return `it does not follow record ${before.seq}: one of the two was changed`;
}
