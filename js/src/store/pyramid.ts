import { at } from "../assert.ts";

export const FACTOR = 8;
const LEVELS = 6; // coarsest entry: 8^5 columns = 5.5 minutes of waveform
const CHUNK = 4096; // entries; one chunk of the finest level is 41 s of waveform

/** Known to hold no data: min above max. What is not known is NaN. */
const HOLE_MIN = Number.POSITIVE_INFINITY;
const HOLE_MAX = Number.NEGATIVE_INFINITY;

export interface Extremes {
  min: number;
  max: number;
}

interface Chunk {
  /** min, max of each entry, interleaved */
  data: Float32Array;
  /** when it was last touched, for forgetting */
  used: number;
}

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

/** One resolution: chunks of entries, the least recently used of which are forgotten. */
class Level {
  readonly known = new Intervals();
  readonly #chunks = new Map<number, Chunk>();
  readonly #keep: number;
  #time = 0;
  #key = -1; // the chunk touched last: neighbours are asked for in a row
  #chunk: Chunk | undefined;

  constructor(keep: number) {
    this.#keep = keep;
  }

  get held(): number {
    return this.#chunks.size * CHUNK;
  }

  chunk(key: number): Float32Array | undefined {
    if (key !== this.#key) {
      this.#key = key;
      this.#chunk = this.#chunks.get(key);
      if (this.#chunk) this.#chunk.used = ++this.#time;
    }
    return this.#chunk?.data;
  }

  /** Widens the entry; returns whether that changed it. */
  merge(index: number, min: number, max: number): boolean {
    const data = this.chunk(Math.floor(index / CHUNK)) ?? this.#make(Math.floor(index / CHUNK));
    const i = (index % CHUNK) * 2;
    const [low, high] = [data[i] as number, data[i + 1] as number];
    if (low <= min && high >= max) return false;
    data[i] = low < min ? low : min; // NaN compares false: what was not known takes the new value
    data[i + 1] = high > max ? high : max;
    return true;
  }

  #make(key: number): Float32Array {
    const data = new Float32Array(CHUNK * 2).fill(Number.NaN);
    this.#chunk = { data, used: ++this.#time };
    this.#key = key;
    this.#chunks.set(key, this.#chunk);
    if (this.#chunks.size > this.#keep) this.#forget(key);
    return data;
  }

  #forget(except: number): void {
    let oldest = except;
    let used = Number.POSITIVE_INFINITY;
    for (const [key, chunk] of this.#chunks) {
      if (key !== except && chunk.used < used) [oldest, used] = [key, chunk.used];
    }
    this.#chunks.delete(oldest);
    this.known.remove(oldest * CHUNK, (oldest + 1) * CHUNK);
  }
}

/** Minimum and maximum of a growing series at several resolutions.
 *
 * Drawing a window costs its pixels, not its samples, however long the recording. Each level forgets its least
 * recently used chunks beyond `keep` entries, so that memory is bounded; what is not here can be filled in again at
 * the level at which it is looked at, and is drawn from a coarser one until then.
 */
export class Pyramid {
  readonly #levels: Level[];
  #length = 0;

  constructor(keep: number) {
    this.#levels = Array.from({ length: LEVELS }, () => new Level(Math.ceil(keep / CHUNK) + 1));
  }

  /** One past the last index ever set. */
  get length(): number {
    return this.#length;
  }

  /** Entries held, over all levels. */
  get held(): number {
    return this.#levels.reduce((sum, level) => sum + level.held, 0);
  }

  /** Adds an entry of the finest level; min above max: known to be empty. */
  set(index: number, min: number, max: number): void {
    const [low, high] = min > max ? [HOLE_MIN, HOLE_MAX] : [min, max];
    this.#length = Math.max(this.#length, index + 1);
    let changed = at(this.#levels, 0).merge(index, low, high);
    at(this.#levels, 0).known.add(index, index + 1);
    let i = index;
    for (let l = 1; l < LEVELS; l++) {
      const completes = i % FACTOR === FACTOR - 1;
      i = Math.floor(i / FACTOR);
      const level = at(this.#levels, l);
      changed &&= level.merge(i, low, high);
      if (completes && !this.missing(l - 1, i * FACTOR, (i + 1) * FACTOR)) level.known.add(i, i + 1);
      else if (!changed) return;
    }
  }

  /** Adds entries of a level, as min, max interleaved; `count` were asked for, and those that are not there never will be. */
  fill(level: number, first: number, extremes: ArrayLike<number>, count = extremes.length / 2): void {
    for (let k = 0; 2 * k < extremes.length; k++) {
      const [min, max] = [at(extremes, 2 * k), at(extremes, 2 * k + 1)];
      const [low, high] = min > max ? [HOLE_MIN, HOLE_MAX] : [min, max];
      let i = first + k;
      for (let l = level; l < LEVELS; l++, i = Math.floor(i / FACTOR)) {
        if (!at(this.#levels, l).merge(i, low, high)) break;
      }
    }
    const end = first + extremes.length / 2;
    if (end > first) this.#length = Math.max(this.#length, (end - 1) * FACTOR ** level + 1);
    let [from, to] = [first, first + count];
    for (let l = level; l < LEVELS; l++) {
      at(this.#levels, l).known.add(from, to);
      [from, to] = [Math.ceil(from / FACTOR), Math.floor(to / FACTOR)];
    }
  }

  /** The first stretch of a level that is not here, as entries of it; null: all is. */
  missing(level: number, from: number, to: number): [number, number] | null {
    return at(this.#levels, level).known.missing(from, to);
  }

  /** Whether the finest entry came. */
  knows(index: number): boolean {
    return at(this.#levels, 0).known.has(index);
  }

  /** Extremes over entries `from` to `to` (exclusive, real numbers), written into `into`; a hole has min above max. */
  range(from: number, to: number, into: Extremes = { min: 0, max: 0 }): Extremes {
    let level = levelFor(to - from);
    if (this.#read(level, from, to, into)) return into;
    // a coarser entry may stand for it, if all of it is known
    for (level++; level < LEVELS; level++) {
      const known = at(this.#levels, level).known.has(Math.floor(Math.max(0, from) / FACTOR ** level));
      if (known && this.#read(level, from, to, into)) return into;
    }
    into.min = HOLE_MIN;
    into.max = HOLE_MAX;
    return into;
  }

  /** The entry at `index`; NaN where there is none. What was forgotten comes from a coarser level. */
  value(index: number): number {
    const i = (index % CHUNK) * 2;
    const found = at(this.#levels, 0).chunk(Math.floor(index / CHUNK))?.[i + 1];
    if (found !== undefined && !Number.isNaN(found)) return found === HOLE_MAX ? Number.NaN : found;
    const { min, max } = this.range(index, index + 1);
    return min > max ? Number.NaN : max;
  }

  /** Returns whether anything is known there. */
  #read(number: number, from: number, to: number, into: Extremes): boolean {
    const level = at(this.#levels, number);
    const step = FACTOR ** number;
    const first = Math.max(0, Math.floor(from / step));
    const last = Math.max(first, Math.ceil(Math.min(to, this.#length) / step) - 1);
    let min = HOLE_MIN;
    let max = HOLE_MAX;
    let known = false;
    for (let i = first; i <= last; ) {
      const key = Math.floor(i / CHUNK);
      const until = Math.min(last, (key + 1) * CHUNK - 1);
      const data = level.chunk(key);
      for (; data && i <= until; i++) {
        const at_i = (i % CHUNK) * 2;
        const [low, high] = [data[at_i] as number, data[at_i + 1] as number];
        if (low < min) min = low;
        if (high > max) max = high;
        known ||= !Number.isNaN(low); // NaN: not known
      }
      i = until + 1;
    }
    into.min = min;
    into.max = max;
    return known;
  }
}

/** The level to look at where `width` finest entries share a pixel: two to sixteen entries of it a pixel. */
export function levelFor(width: number): number {
  return Math.min(LEVELS - 1, Math.max(0, Math.floor(Math.log(Math.max(1, width) / 2) / Math.log(FACTOR))));
}
