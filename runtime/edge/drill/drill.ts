import type { Ground } from "./ground.ts";

/** How a drill ended. */
export interface Outcome {
  /** `skipped` where this machine or configuration has nothing that it could be tried on. */
  readonly state: "held" | "broken" | "skipped";
  /** What stopped the attack, or what it reached; may hold text of a guest. */
  readonly detail: string;
}

/** One attack, made against a host with the operator's own configuration. */
export interface Drill {
  /** What is tried, in a few words; a name of its own. */
  readonly name: string;
  /** What must hold, as a sentence that an operator can be shown. */
  readonly rule: string;
  /** Tries it. Whatever it throws counts as broken: nothing has proved that the rule holds. */
  run(ground: Ground): Promise<Outcome>;
}

/** Returns the outcome of an attack that was stopped. */
export function held(detail: string): Outcome {
  return { state: "held", detail };
}

/** Returns the outcome of an attack that went through. */
export function broken(detail: string): Outcome {
  return { state: "broken", detail };
}

/** Returns the outcome of an attack that has nothing here to be made on. */
export function skipped(detail: string): Outcome {
  return { state: "skipped", detail };
}
