/** Half-open stretches of whole numbers, apart and in order: what is known of a series. */
export class Intervals {
  readonly #edges: number[] = []; // from, to, from, to, …

  get length(): number {
    return this.#edges.length / 2;
  }

  clear(): void {
    this.#edges.length = 0;
  }

  add(from: number, to: number): void {
    if (to <= from) return;
    const edges = this.#edges;
    const last = edges.length - 1;
    if (last < 0 || from > (edges[last] as number)) edges.push(from, to);
    else if (from >= (edges[last - 1] as number)) edges[last] = Math.max(edges[last] as number, to);
    else this.#join(from, to);
  }

  remove(from: number, to: number): void {
    const kept: number[] = [];
    for (let i = 0; i < this.#edges.length; i += 2) {
      const [a, b] = [this.#edges[i] as number, this.#edges[i + 1] as number];
      if (Math.min(b, from) > a) kept.push(a, Math.min(b, from));
      if (b > Math.max(a, to)) kept.push(Math.max(a, to), b);
    }
    this.#edges.splice(0, this.#edges.length, ...kept);
  }

  has(index: number): boolean {
    const i = this.#after(index);
    return i < this.#edges.length && (this.#edges[i] as number) <= index;
  }

  /** The first stretch of `from` to `to` that is not in here, or null. */
  missing(from: number, to: number): [number, number] | null {
    let begin = from;
    for (let i = this.#after(from); i < this.#edges.length && begin < to; i += 2) {
      const [a, b] = [this.#edges[i] as number, this.#edges[i + 1] as number];
      if (a > begin) return [begin, Math.min(a, to)];
      begin = Math.max(begin, b);
    }
    return begin < to ? [begin, to] : null;
  }

  /** Position of the first stretch that ends after `index`. */
  #after(index: number): number {
    let low = 0;
    let high = this.#edges.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#edges[2 * middle + 1] as number) <= index) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }

  #join(from: number, to: number): void {
    let [begin, end] = [from, to];
    const before: number[] = [];
    const behind: number[] = [];
    for (let i = 0; i < this.#edges.length; i += 2) {
      const [a, b] = [this.#edges[i] as number, this.#edges[i + 1] as number];
      if (b < begin) before.push(a, b);
      else if (a > end) behind.push(a, b);
      else [begin, end] = [Math.min(begin, a), Math.max(end, b)];
    }
    this.#edges.splice(0, this.#edges.length, ...before, begin, end, ...behind);
  }
}
