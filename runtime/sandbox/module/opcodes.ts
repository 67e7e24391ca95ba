/** Instructions that the pass looks at; all others are copied as they are. */
export const op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  delegate: 0x18,
  catchAll: 0x19,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32LeS: 0x4c,
  i32LeU: 0x4d,
  i64GtU: 0x56,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32Or: 0x72,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Shl: 0x86,
  i64ExtendI32U: 0xad,
  refNull: 0xd0,
  refFunc: 0xd2,
  memoryInit: 0xfc08,
  dataDrop: 0xfc09,
  memoryCopy: 0xfc0a,
  memoryFill: 0xfc0b,
  tableInit: 0xfc0c,
  elemDrop: 0xfc0d,
  tableCopy: 0xfc0e,
  tableGrow: 0xfc0f,
  tableSize: 0xfc10,
  tableFill: 0xfc11,
} as const;

/** How the immediates of a one-byte instruction are read. */
export const shape = {
  /** Not in the allow-list. */
  refused: 0,
  /** Copied: without immediates, with one number, an address, 4 or 8 bytes, types. */
  plain: 1,
  number: 2,
  address: 3,
  bytes4: 4,
  bytes8: 5,
  types: 6,
  heapType: 7,
  /** Recorded: without immediates, one number, a block type, a type and a table, targets, clauses. */
  event: 8,
  eventNumber: 9,
  eventBlock: 10,
  eventCallIndirect: 11,
  eventTargets: 12,
  eventClauses: 13,
  /** A second number says what it is: 0xfc bulk and conversions, 0xfd vectors. */
  bulk: 14,
  vector: 15,
} as const;

/** The shape of each one-byte instruction. */
export const shapes: Uint8Array = shapesOf();

function shapesOf(): Uint8Array {
  const table = new Uint8Array(256);
  const set = (kind: number, ...codes: number[]) => {
    for (const code of codes) table[code] = kind;
  };
  table.fill(shape.plain, 0x45, 0xc5);
  table.fill(shape.address, 0x28, 0x3f);
  set(shape.plain, 0x01, 0x1a, 0x1b, 0xd1);
  set(shape.number, 0x20, 0x21, 0x22, 0x25, 0x26, 0x3f, 0x41, 0x42);
  set(shape.bytes4, 0x43);
  set(shape.bytes8, 0x44);
  set(shape.types, 0x1c);
  set(shape.heapType, op.refNull);
  set(shape.event, op.unreachable, op.else, op.throwRef, op.end, op.return, op.catchAll);
  set(shape.eventNumber, op.catch, op.throw, op.rethrow, op.br, op.brIf, op.call, op.returnCall);
  set(shape.eventNumber, op.delegate, op.globalGet, op.globalSet, op.memoryGrow, op.refFunc);
  set(shape.eventBlock, op.block, op.loop, op.if, op.try);
  set(shape.eventCallIndirect, op.callIndirect, op.returnCallIndirect);
  set(shape.eventTargets, op.brTable);
  set(shape.eventClauses, op.tryTable);
  set(shape.bulk, 0xfc);
  set(shape.vector, 0xfd);
  return table;
}

/**
 * What each one-byte instruction costs, in units of fuel: about the cycles of a slow one.
 *
 * Structure is free, because the engine emits nothing for it; calls are charged where they are
 * planned, because a callee without a check of its own is paid by its callers.
 */
export const costs: Uint8Array = costsOf();

function costsOf(): Uint8Array {
  const table = new Uint8Array(256).fill(1);
  const set = (cost: number, ...codes: number[]) => {
    for (const code of codes) table[code] = cost;
  };
  set(0, 0x01, op.block, op.loop, op.else, op.try, op.catch, op.end, op.delegate, op.catchAll);
  set(0, op.tryTable);
  // Division and square roots take 10 to 40 cycles.
  set(8, 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82, 0x91, 0x95, 0x9f, 0xa3);
  // An entry read or a reference made may pass through a stub of the engine, one written does.
  set(8, 0x25, op.refFunc);
  set(64, 0x26);
  // The host is asked before memory grows.
  set(64, op.memoryGrow);
  return table;
}

/** What a vector instruction costs; the slow ones are sequences of ten machine instructions. */
export const vectorCost = 3;
