import { describe, quote } from "#manifests/quote.ts";

/** What is left of the steps that a validation may take; one is about 25 ns. */
export interface Budget {
  steps: number;
}

/** Where and how a value does not fit; made at the leaf, its path grows on the way up. */
export interface Fault {
  /** Continues "must be …". */
  readonly expected: string;
  readonly found: unknown;
  /** Keys and indexes from the leaf upwards. */
  readonly steps: (string | number)[];
}

/** A compiled schema: returns undefined for a value that fits. */
export type Check = (value: unknown, budget: Budget) => Fault | undefined;

/** Thrown, without a stack, when the steps are used up: no keyword may take it for a mismatch. */
export const outOfSteps = Symbol("out of steps");

/** Takes steps from a budget. */
export function spend(budget: Budget, steps: number): void {
  budget.steps -= steps;
  if (budget.steps < 0) throw outOfSteps;
}

/** Returns a fault of the value itself. */
export function faultOf(expected: string, found: unknown): Fault {
  return { expected, found, steps: [] };
}

/** Returns the fault of a value's part as one of the value: `step` is the part's key or index. */
export function faultAt(step: string | number, fault: Fault): Fault {
  fault.steps.push(step);
  return fault;
}

/** Returns where a fault is: `$.items[2].name`; keys are of the value, hence untrusted. */
export function pathOf({ steps }: Fault): string {
  return steps.toReversed().reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    return /^[A-Za-z_$][\w$]{0,63}$/.test(step) ? `${path}.${step}` : `${path}[${quote(step, 64)}]`;
  }, "$");
}

/** Returns what was found, in a few words. */
export function foundOf({ found }: Fault): string {
  return describe(found);
}
