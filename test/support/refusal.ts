import assert from "node:assert/strict";
import { HostError } from "#manifests/errors.ts";

/** Runs what must be refused and returns its code and sentence. */
export function refusalOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof HostError) return { code: error.code, message: error.message };
    throw error;
  }
  return assert.fail("it was accepted");
}
