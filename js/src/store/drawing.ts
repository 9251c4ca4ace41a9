import { signal } from "@preact/signals-core";
import { at } from "../assert.ts";
import type { Frames, Window } from "../wire/codec.ts";
import type { FramesHeader } from "../wire/messages.ts";
import { FACTOR, Pyramid } from "./pyramid.ts";

const FIRST_CAPACITY = 4096;
const KEEP_S = 7200; // finest detail of two hours, those that were looked at last

/** One value a frame, contiguous, growing: what the segmenter runs over. Frames that are not known count as silence. */
class Series {
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

/** Score and energy of one detector; another detector or frame length has other curves. */
export interface Curves {
  detector: string;
  frame_s: number;
  /** by number of the frame, counted from the start of the session */
  score: Pyramid;
  energy: Pyramid;
  /** the finest scores, all that came */
  scores: Series;
}

/** Everything drawn that is one value a moment: waveform columns, scores, energies, clipping. */
export class Drawing {
  column_s = 0.01;
  columns = new Pyramid(KEEP_S / 0.01);
  curves: Curves[] = [];
  /** Columns whose extremes touch full scale, of the audio that came live. */
  clipped_s: number[] = [];
  readonly clips = signal(0);
  /** Seconds of audio that never came: holes between columns. */
  readonly lost_s = signal(0);

  clear(): void {
    this.columns = new Pyramid(KEEP_S / this.column_s);
    this.curves = [];
    this.clipped_s = [];
    this.clips.value = 0;
    this.lost_s.value = 0;
  }

  /** Adds a message; returns the earliest second that it changed. */
  add({ header, extremes, score, energy }: Frames): number {
    if (header.column_s !== this.column_s) {
      this.column_s = header.column_s;
      this.clear();
    }
    const hole = header.first_column - this.columns.length;
    if (hole > 0 && this.columns.length > 0 && header.columns > 0)
      this.lost_s.value += hole * header.column_s;
    for (let i = 0; i < header.columns; i++) {
      const [column, min, max] = [header.first_column + i, at(extremes, 2 * i), at(extremes, 2 * i + 1)];
      // The past is sent anew to a page that comes later; a window may have been asked for beyond what there was.
      const again = column < this.columns.length && this.columns.knows(column);
      this.columns.set(column, min, max);
      if (again) continue;
      if (min > max) this.lost_s.value += header.column_s;
      else if (isClipped(min, max)) this.#clip(column * this.column_s);
    }
    const column_start = header.columns ? header.first_column * header.column_s : Infinity;
    return Math.min(column_start, header.frames ? this.#addFrames(header, score, energy) : Infinity);
  }

  /** Adds a window that was asked for. */
  fill({ level, first_column, asked, extremes, curves }: Window): void {
    this.columns.fill(level, first_column, extremes, asked);
    for (const { detector, frame_s, first_frame, score, energy } of curves) {
      const known = this.#curvesOf(detector, frame_s);
      // the kernel's curves begin anywhere: their entries fall on this grid to within half of one
      const first = Math.round(first_frame / FACTOR ** level);
      known.score.fill(level, first, score);
      known.energy.fill(level, first, energy);
      if (level > 0) continue;
      for (let i = 0; 2 * i < score.length; i++) known.scores.set(first + i, at(score, 2 * i + 1));
    }
  }

  /** The curves of a detector; where its frame length changed, those that are longest by now. */
  curvesOf(detector: string): Curves | null {
    const end_s = (curves: Curves) => curves.scores.length * curves.frame_s;
    return this.curves
      .filter((curves) => curves.detector === detector)
      .reduce<Curves | null>((best, other) => (best && end_s(best) > end_s(other) ? best : other), null);
  }

  /** Largest |sample| between two moments in int16 units; null without audio. */
  peak(from_s: number, to_s: number): number | null {
    const { min, max } = this.columns.range(from_s / this.column_s, to_s / this.column_s);
    return min > max ? null : Math.max(Math.abs(min), Math.abs(max));
  }

  /** Returns the earliest second that changed: the curve is joined to the frame before. */
  #addFrames(
    { detector, first_frame, frame_s, frames }: FramesHeader,
    score: Float32Array,
    energy: Float32Array,
  ): number {
    const curves = this.#curvesOf(detector, frame_s);
    for (let i = 0; i < frames; i++) {
      const [index, p, e] = [first_frame + i, at(score, i), at(energy, i)];
      curves.score.set(index, p, p);
      curves.energy.set(index, e, e);
      curves.scores.set(index, p);
    }
    return (first_frame - 1) * frame_s;
  }

  /** One mark for neighbouring clipped columns. */
  #clip(time_s: number): void {
    const last = this.clipped_s.at(-1);
    if (last === undefined || time_s - last > 0.1) this.clips.value = this.clipped_s.push(time_s);
  }

  /** A detector that is chosen again goes on with the curves it had. */
  #curvesOf(detector: string, frame_s: number): Curves {
    const known = this.curves.find((curves) => curves.detector === detector && curves.frame_s === frame_s);
    if (known) return known;
    const keep = KEEP_S / frame_s;
    const curves = {
      detector,
      frame_s,
      score: new Pyramid(keep),
      energy: new Pyramid(keep),
      scores: new Series(),
    };
    this.curves.push(curves);
    return curves;
  }
}

export function isClipped(min: number, max: number): boolean {
  return max >= 32767 || min <= -32768;
}
