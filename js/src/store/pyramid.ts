import { at } from "../assert.ts";

const FACTOR = 8;
const CHUNK = 4096; // entries; one chunk of the finest level is 41 s of waveform
const LEVELS = 6; // coarsest entry: 8^5 columns = 5.5 minutes of waveform

/** No data: min above max. A hole stays a hole at every level only where all below it are holes. */
const HOLE_MIN = Number.POSITIVE_INFINITY;
const HOLE_MAX = Number.NEGATIVE_INFINITY;

export interface Extremes {
  min: number;
  max: number;
}

/** Minimum and maximum of a growing series at several resolutions.
 *
 * Drawing a window costs its pixels, not its samples, however long the recording. Chunks are never copied when the
 * series grows, and the finest levels forget their oldest chunks beyond `keep` entries, so that memory is bounded:
 * the far past is then drawn from a coarser level.
 */
export class Pyramid {
  readonly #levels: Map<number, Float32Array>[] = Array.from({ length: LEVELS }, () => new Map());
  readonly #keep_chunks: number;
  #length = 0;

  constructor(keep: number) {
    this.#keep_chunks = Math.ceil(keep / CHUNK) + 1;
  }

  /** One past the last index ever set. */
  get length(): number {
    return this.#length;
  }

  /** Entries held, over all levels. */
  get held(): number {
    return this.#levels.reduce((sum, level) => sum + level.size * CHUNK, 0);
  }

  set(index: number, min: number, max: number): void {
    this.#length = Math.max(this.#length, index + 1);
    this.#write(0, index, min, max);
    let i = index;
    for (let level = 1; level < LEVELS; level++) {
      i = Math.floor(i / FACTOR);
      const now = this.#read(level, i);
      if (now.min <= min && now.max >= max) return;
      this.#write(level, i, Math.min(now.min, min), Math.max(now.max, max));
    }
  }

  /** Extremes over entries `from` to `to` (exclusive, real numbers); a hole has min above max. */
  range(from: number, to: number): Extremes {
    const width = Math.max(1, to - from);
    let level = Math.min(LEVELS - 1, Math.max(0, Math.floor(Math.log(width / 2) / Math.log(FACTOR))));
    if (level === 0 && !this.#has(0, Math.floor(from))) level = 1;
    const step = FACTOR ** level;
    const last = Math.max(Math.floor(from / step), Math.ceil(Math.min(to, this.#length) / step) - 1);
    let min = HOLE_MIN;
    let max = HOLE_MAX;
    for (let i = Math.floor(from / step); i <= last; i++) {
      const entry = this.#read(level, i);
      if (entry.min < min) min = entry.min;
      if (entry.max > max) max = entry.max;
    }
    return { min, max };
  }

  /** The entry at `index`; NaN where there is none or where it was forgotten. */
  value(index: number): number {
    const { min, max } = this.#read(
      this.#has(0, index) ? 0 : 1,
      this.#has(0, index) ? index : Math.floor(index / FACTOR),
    );
    return min > max ? Number.NaN : max;
  }

  #has(level: number, index: number): boolean {
    return at(this.#levels, level).has(Math.floor(index / CHUNK));
  }

  #read(level: number, index: number): Extremes {
    const chunk = at(this.#levels, level).get(Math.floor(index / CHUNK));
    if (!chunk || index < 0) return { min: HOLE_MIN, max: HOLE_MAX };
    const i = (index % CHUNK) * 2;
    return { min: at(chunk, i), max: at(chunk, i + 1) };
  }

  #write(level: number, index: number, min: number, max: number): void {
    const chunks = at(this.#levels, level);
    const key = Math.floor(index / CHUNK);
    let chunk = chunks.get(key);
    if (!chunk) {
      chunk = new Float32Array(CHUNK * 2);
      for (let i = 0; i < chunk.length; i += 2) {
        chunk[i] = HOLE_MIN;
        chunk[i + 1] = HOLE_MAX;
      }
      chunks.set(key, chunk);
      if (chunks.size > this.#keep_chunks) chunks.delete(Math.min(...chunks.keys()));
    }
    const i = (index % CHUNK) * 2;
    chunk[i] = min;
    chunk[i + 1] = max;
  }
}
