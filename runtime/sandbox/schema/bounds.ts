/** What a schema of an author may be at most; beyond it the schema is refused at install. */
export const bounds = {
  /** UTF-8 bytes of the schema as JSON: what describes one tool, and quick to compile. */
  schemaBytesMax: 64 * 1024,
  /** Schemas inside schemas: beyond what people nest, and shallow for a stack. */
  schemaDepthMax: 16,
  /** Arrays and objects inside each other anywhere in a schema, examples and constants included. */
  jsonDepthMax: 64,
  /** Keywords in all schemas together; each costs at least one step of every validation. */
  keywordsMax: 500,
  /** Schemas entered one inside the other with references followed: the frames on the stack. */
  reachMax: 64,
  /** UTF-16 units of one pattern. */
  patternCharsMax: 1_024,
  /** Instructions of all patterns together: their compilation takes about 10 µs each. */
  patternCostMax: 2_500,
} as const;

/** Nested arrays and objects in values that are compared; what is deeper is no honest data. */
export const comparedDepthMax = 128;
