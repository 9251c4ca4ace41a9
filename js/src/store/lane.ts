import { at } from "../assert.ts";

export type SegmentVisitor = (start_s: number, end_s: number, open: boolean) => void;

/** Segments, whoever found them. */
export interface Speech {
  /** Visits every segment in the window; an open one ends at `now_s`. */
  visit(from_s: number, to_s: number, now_s: number, visitor: SegmentVisitor): void;
}

/** Stretches of time in the order in which they began, with flags; built for hours of them. */
export class Lane {
  #start = new Float64Array(64);
  #end = new Float64Array(64);
  #flag = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(start_s: number, end_s: number, flag = 0): void {
    if (this.#length === this.#start.length) this.#grow();
    // events may overtake each other a little: keep the order by start
    let i = this.#length++;
    while (i > 0 && at(this.#start, i - 1) > start_s) {
      this.#start[i] = at(this.#start, i - 1);
      this.#end[i] = at(this.#end, i - 1);
      this.#flag[i] = at(this.#flag, i - 1);
      i--;
    }
    this.#start[i] = start_s;
    this.#end[i] = end_s;
    this.#flag[i] = flag;
  }

  start(i: number): number {
    return at(this.#start, i);
  }

  end(i: number): number {
    return at(this.#end, i);
  }

  flag(i: number): number {
    return at(this.#flag, i);
  }

  /** Index of the first span that starts after `time_s`. */
  after(time_s: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(this.#start, middle) <= time_s) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Visits what touches `from_s` to `to_s`. Spans of one lane hardly overlap: two back is enough. */
  visit(
    from_s: number,
    to_s: number,
    visitor: (start_s: number, end_s: number, flag: number, i: number) => void,
  ): void {
    for (let i = Math.max(0, this.after(from_s) - 2); i < this.#length && this.start(i) <= to_s; i++) {
      if (this.end(i) >= from_s) visitor(this.start(i), this.end(i), this.flag(i), i);
    }
  }

  #grow(): void {
    const [start, end, flag] = [this.#start, this.#end, this.#flag];
    this.#start = new Float64Array(start.length * 2);
    this.#end = new Float64Array(start.length * 2);
    this.#flag = new Uint8Array(start.length * 2);
    this.#start.set(start);
    this.#end.set(end);
    this.#flag.set(flag);
  }
}

/** Segments as one side found them: closed ones, and perhaps one that is still open. */
export class SegmentLane implements Speech {
  readonly closed = new Lane();
  open_s: number | null = null;

  started(time_s: number): void {
    this.open_s = time_s;
  }

  stopped(start_s: number, end_s: number): void {
    this.closed.add(start_s, end_s);
    if (this.open_s !== null && this.open_s <= end_s) this.open_s = null;
  }

  visit(from_s: number, to_s: number, now_s: number, visitor: SegmentVisitor): void {
    this.closed.visit(from_s, to_s, (start_s, end_s) => visitor(start_s, end_s, false));
    if (this.open_s !== null && this.open_s <= to_s && now_s >= from_s) visitor(this.open_s, now_s, true);
  }
}
