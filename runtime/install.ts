import type { Caller } from "./keys.ts";

/** Where a package comes from. */
export type InstallSource =
  /** A folder, a `.tgz` or a `.wasm` on this machine's disk, named by the home's owner. */
  | { readonly kind: "path"; readonly path: string }
  /** An uploaded package. */
  | { readonly kind: "package"; readonly bytes: Uint8Array }
  /** An uploaded raw module; `name` becomes `local/<name>`. */
  | { readonly kind: "wasm"; readonly bytes: Uint8Array; readonly name: string };

/** What is to be installed, and who decides what it may do. */
export interface InstallRequest {
  readonly caller: Caller;
  readonly source: InstallSource;
  /** Hears each step as it begins, for a progress bar. */
  readonly onStep?: (step: InstallStep) => void;
  /** Shows what is asked and returns yes or no; an install waits for it. */
  readonly consent: (ask: ConsentAsk) => Promise<boolean>;
}

/** The steps of an install, in their order. */
export type InstallStep =
  | "resolve"
  | "verify"
  | "consent"
  | "stage"
  | "compile"
  | "health"
  | "activate";

/** What an operator is asked before a plugin runs. Texts under `untrusted` are the author's own. */
export interface ConsentAsk {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  /** `unsigned`, or the signer's name. */
  readonly signer: string;
  readonly source: string;
  /** One entry a capability asked for: our words, then the author's reason. */
  readonly asks: readonly {
    readonly capability: string;
    readonly words: string;
    readonly untrustedReason: string;
  }[];
  readonly instances: "fresh" | "warm" | "single";
  readonly tools: readonly string[];
  /** Version installed now, and what is asked for beyond it. */
  readonly replaces: string | null;
  /** Installed ids that this one could be mistaken for. */
  readonly looksLike: readonly string[];
}
