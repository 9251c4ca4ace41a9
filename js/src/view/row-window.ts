const ALL_ROWS = 200; // a list up to this long stands in the page as a whole
const LIVE_ROWS = 50; // the end always stands there: new rows are read out wherever the reader is
const BLOCK_ROWS = 25;
const NEAR_ROWS = 10; // rows beyond what is seen that must be there before the reader comes to them
const ROW_PX = 30; // of a row while none has been measured

/** The rows `[from, to)` around the reader and `[live, count)` at the end; a short list is `[0, count)`. */
export interface Shown {
  readonly from: number;
  readonly to: number;
  readonly live: number;
}

const EVERYTHING: Shown = { from: 0, to: 0, live: 0 };

/** Which rows of a long list stand in the page, and how high the others would be.
 *
 * What Chromium does in each frame beside drawing, such as hit tests and intersections, grows with the elements of
 * the page, also with those far outside a scroll box: a day's transcript made the plots slow.
 */
export class RowWindow {
  readonly #heights_px = new Map<string, number>();
  #measured_px = 0;
  #shown = EVERYTHING;

  get shown(): Shown {
    return this.#shown;
  }

  /** Whether a list of `count` rows is shown in part. One that was stays so until it is much shorter: a row that comes and goes must not move all others. */
  isLong(count: number): boolean {
    return count > (this.#shown.live > 0 ? ALL_ROWS / 2 : ALL_ROWS);
  }

  knows(key: string): boolean {
    return this.#heights_px.has(key);
  }

  /** Remembers the height of a row; 0 is that of a page that is not shown, and says nothing. */
  measured(key: string, height_px: number): void {
    this.forget(key);
    if (height_px <= 0) return;
    this.#heights_px.set(key, height_px);
    this.#measured_px += height_px;
  }

  forget(key: string): void {
    this.#measured_px -= this.#heights_px.get(key) ?? 0;
    this.#heights_px.delete(key);
  }

  forgetAll(): void {
    this.#heights_px.clear();
    this.#measured_px = 0;
  }

  /** Where each row begins, and after them where the last one ends. */
  tops(rows: readonly { key: string }[]): Float64Array {
    const known = this.#heights_px.size;
    // whole pixels: a mean that moves with every row would creep under the reader
    const usual_px = known > 0 ? Math.round(this.#measured_px / known) : ROW_PX;
    const tops = new Float64Array(rows.length + 1);
    let top = 0;
    for (const [i, { key }] of rows.entries()) {
      top += this.#heights_px.get(key) ?? usual_px;
      tops[i + 1] = top;
    }
    return tops;
  }

  /** Whether the rows `first` to `last` and some beyond them are in the page, and, unless `keep`, not many more. */
  covers(first: number, last: number, keep: boolean): boolean {
    const { from, to, live } = this.#shown;
    if (!keep && to - from > last - first + 1 + 4 * BLOCK_ROWS) return false;
    const begin = Math.max(0, first - NEAR_ROWS);
    const end = Math.min(live, last + 1 + NEAR_ROWS);
    return begin >= end || (from <= begin && end <= to);
  }

  /** Chooses the rows for a reader who sees `first` to `last`. With `keep` rows are only added. */
  update(count: number, first: number, last: number, keep: boolean): void {
    if (!this.isLong(count)) {
      this.#shown = EVERYTHING;
      return;
    }
    let { live } = this.#shown;
    if (live > count || (!keep && count - live > LIVE_ROWS + BLOCK_ROWS)) live = count - LIVE_ROWS;
    const to = Math.min(this.#shown.to, live);
    this.#shown = { from: Math.min(this.#shown.from, to), to, live };
    if (!this.covers(first, last, keep)) this.#shown = this.#around(first, last, keep);
  }

  #around(first: number, last: number, keep: boolean): Shown {
    const { from, to, live } = this.#shown;
    const begin = Math.max(0, Math.floor(first / BLOCK_ROWS) - 1) * BLOCK_ROWS;
    const end = Math.min(live, (Math.ceil((last + 1) / BLOCK_ROWS) + 1) * BLOCK_ROWS);
    const next = { from: Math.min(begin, end), to: end, live };
    if (!keep || from === to) return next;
    return { from: Math.min(from, next.from), to: Math.max(to, next.to), live };
  }
}

/** The row at a height in the list. */
export function rowAt(tops: Float64Array, y_px: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y_px) low = middle;
    else high = middle - 1;
  }
  return low;
}
