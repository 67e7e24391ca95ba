const pageBytes = 65_536;
/** Bytes that are cleared or moved for one unit of fuel. */
const bytesAUnit = 8;

/** The memory of one instance: guest, kernel and tables share one budget of pages. */
export class Room {
  readonly #pagesMax: number;
  readonly #charge: (units: number) => void;
  #pages: number;
  /** True once something did not fit; a guest that then traps ran out of memory. */
  full = false;

  /**
   * @param bytesMax the plugin's limit of memory
   * @param pages    pages that the guest and its kernel have from the start
   * @param charge   takes the fuel for clearing and moving bytes
   */
  constructor(bytesMax: number, pages: number, charge: (units: number) => void) {
    this.#pagesMax = Math.floor(bytesMax / pageBytes);
    this.#pages = pages;
    this.#charge = charge;
  }

  /** Bytes taken so far. */
  get bytes(): number {
    return this.#pages * pageBytes;
  }

  /** Takes pages (untrusted) and charges for clearing them; false, and nothing taken, without room. */
  take(pages: number, movedBytes = 0): boolean {
    const count = pages >>> 0;
    if (this.#pages + count > this.#pagesMax) {
      this.full = true;
      return false;
    }
    this.#pages += count;
    this.#charge((count * pageBytes + movedBytes) / bytesAUnit);
    return true;
  }
}
