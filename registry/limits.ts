/** What a package may be at most; each number with its reason. */
export const packageLimits = {
  /** A module of 64 MiB, the largest that a host loads, packs to a third of it. */
  packedBytesMax: 64 * 2 ** 20,
  /** That module and as much again of assets; held in memory while it is read. */
  unpackedBytesMax: 128 * 2 ** 20,
  /** Modules and texts pack to a tenth; only what repeats itself without end packs further. */
  ratioMax: 100,
  /** Up to here the ratio says nothing: a small file of zeros is no attack. */
  ratioFreeBytes: 2 ** 20,
  /** Honest packages have under 100 files. */
  entriesMax: 2_000,
  /** What the oldest tar format and every file system hold. */
  pathCharsMax: 200,
  segmentCharsMax: 100,
  /** Folders in folders; deeper ones only meet the bounds of other tools. */
  depthMax: 8,
} as const;
