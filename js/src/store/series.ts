const FIRST_CAPACITY = 4096;

/** One value a frame, contiguous, growing: what the segmenter runs over. Frames that are not known count as silence. */
export class Series {
  #values = new Float32Array(FIRST_CAPACITY).fill(Number.NEGATIVE_INFINITY);
  #length = 0;
  #rewritten = 0;
  #known = 0;

  /** Frames that came. */
  get known(): number {
    return this.#known;
  }

  /** One past the last frame ever set. */
  get length(): number {
    return this.#length;
  }

  /** Longer than `length`; a growing series gives another array. */
  get values(): Float32Array {
    return this.#values;
  }

  /** Rises whenever something before the end was set: who has read on must read again. */
  get rewritten(): number {
    return this.#rewritten;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) this.#grow(index + 1);
    if (index >= this.#length) this.#length = index + 1;
    else if (this.#values[index] === value) return;
    else this.#rewritten++;
    if (this.#values[index] === Number.NEGATIVE_INFINITY) this.#known++;
    this.#values[index] = value;
  }

  #grow(length: number): void {
    const values = new Float32Array(Math.max(length, this.#values.length * 2)).fill(Number.NEGATIVE_INFINITY);
    values.set(this.#values);
    this.#values = values;
  }
}
