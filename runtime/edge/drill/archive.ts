/** An entry of a hostile archive. */
export interface ArchiveEntry {
  /** Under 100 characters; whatever it says. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Kind of the entry as tar writes it: a file when left out. */
  readonly type?: string;
  /** Where a link leads. */
  readonly target?: string;
}

const blockBytes = 512;

/**
 * Returns a tar archive of entries, which libraries that write honest ones would refuse to make.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
 */
export function archiveOf(entries: readonly ArchiveEntry[]): Uint8Array {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(2 * blockBytes)]);
}

function blocksOf({ path, content, type = "0", target = "" }: ArchiveEntry): readonly Buffer[] {
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  header.write(path, 0, 100, "utf8");
  header.write("0000644\0", 100, "latin1");
  header.write("0000000\0", 108, "latin1");
  header.write("0000000\0", 116, "latin1");
  header.write(`${octal(content.length, 11)}\0`, 124, "latin1");
  header.write("00000000000\0", 136, "latin1");
  header.fill(" ", 148, 156);
  header.write(type, 156, "latin1");
  header.write(target, 157, 100, "utf8");
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return [header, Buffer.from(content), Buffer.alloc(-content.length & (blockBytes - 1))];
}
