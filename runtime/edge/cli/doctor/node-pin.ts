/** The Node that this version was tested with, and when it came out; SECURITY.md has the how. */
export const nodePin = { version: "26.10.0", releasedAt: "2026-09-23" } as const;

/** Days after which a pinned Node has probably missed a security release. */
export const nodePinDaysMax = 60;
