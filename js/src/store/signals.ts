import { at } from "../assert.ts";
import type { Frames } from "../wire/codec.ts";
import type { FramesHeader } from "../wire/messages.ts";
import { FACTOR, Pyramid } from "./pyramid.ts";
import { Series } from "./series.ts";

const KEEP_S = 7200; // finest detail of two hours, those that were looked at last

/** Scores of one detector on its own frame grid; another detector or frame length has another track. */
export interface ScoreTrack {
  detector: string;
  frame_s: number;
  /** when frame 0 of the grid begins */
  origin_s: number;
  /** by number of the frame on the grid */
  score: Pyramid;
  energy: Pyramid;
  /** the finest scores, all that came */
  scores: Series;
}

/** A window of the drawing as the kernel sends it, decoded. */
export interface Window {
  level: number;
  first_column: number;
  /** columns that were asked for: those that did not come never will */
  asked: number;
  extremes: Int16Array;
  curves: {
    detector: string;
    frame_s: number;
    first_frame: number;
    score: Float32Array;
    energy: Float32Array;
  }[];
}

/** Everything drawn that is one value a moment: waveform columns, scores, energies, clipping. */
export class Signals {
  column_s = 0.01;
  columns = new Pyramid(KEEP_S / 0.01);
  tracks: ScoreTrack[] = [];
  /** Columns whose extremes touch full scale, of the sound that came live. */
  clipped_s: number[] = [];
  /** Seconds of sound that never came: holes between columns. */
  lost_s = 0;

  clear(): void {
    this.columns = new Pyramid(KEEP_S / this.column_s);
    this.tracks = [];
    this.clipped_s = [];
    this.lost_s = 0;
  }

  /** Adds a message; returns the earliest second that it changed. */
  add({ header, extremes, score, energy }: Frames, detector: string): number {
    if (header.column_s !== this.column_s) {
      this.column_s = header.column_s;
      this.clear();
    }
    const hole = header.first_column - this.columns.length;
    if (hole > 0 && this.columns.length > 0 && header.columns > 0) this.lost_s += hole * header.column_s;
    for (let i = 0; i < header.columns; i++) {
      const [column, min, max] = [header.first_column + i, at(extremes, 2 * i), at(extremes, 2 * i + 1)];
      const again = this.columns.knows(column); // the past is sent anew to a page that comes later
      this.columns.set(column, min, max);
      if (again) continue;
      if (min > max) this.lost_s += header.column_s;
      else if (isClipped(min, max)) this.#clip(column * this.column_s);
    }
    const column_start = header.columns ? header.first_column * header.column_s : Infinity;
    return Math.min(
      column_start,
      header.frames ? this.#addFrames(header, score, energy, detector) : Infinity,
    );
  }

  /** Adds a window that was asked for. */
  fill({ level, first_column, asked, extremes, curves }: Window): void {
    this.columns.fill(level, first_column, extremes, asked);
    for (const { detector, frame_s, first_frame, score, energy } of curves) {
      const track = this.#track(detector, frame_s, 0);
      // a track of the kernel begins anywhere: its entries fall on this grid to within half of one
      const first = Math.round(first_frame / FACTOR ** level);
      track.score.fill(level, first, score);
      track.energy.fill(level, first, energy);
      if (level > 0) continue;
      for (let i = 0; 2 * i < score.length; i++) track.scores.set(first + i, at(score, 2 * i + 1));
    }
  }

  /** The track of a detector; where its frame length changed, the one that is longest by now. */
  track(detector: string): ScoreTrack | null {
    const end_s = (track: ScoreTrack) => track.origin_s + track.scores.length * track.frame_s;
    return this.tracks
      .filter((track) => track.detector === detector)
      .reduce<ScoreTrack | null>((best, track) => (best && end_s(best) > end_s(track) ? best : track), null);
  }

  /** Largest |sample| between two moments in int16 units; null without sound. */
  peak(from_s: number, to_s: number): number | null {
    const { min, max } = this.columns.range(from_s / this.column_s, to_s / this.column_s);
    return min > max ? null : Math.max(Math.abs(min), Math.abs(max));
  }

  /** Returns the earliest second that changed: the curve is joined to the frame before. */
  #addFrames(
    { first_frame, first_frame_s, frame_s, frames }: FramesHeader,
    score: Float32Array,
    energy: Float32Array,
    detector: string,
  ): number {
    const origin_s = first_frame_s === undefined ? 0 : first_frame_s - first_frame * frame_s;
    const track = this.#track(detector, frame_s, origin_s);
    for (let i = 0; i < frames; i++) {
      const [index, p, e] = [first_frame + i, at(score, i), at(energy, i)];
      track.score.set(index, p, p);
      track.energy.set(index, e, e);
      track.scores.set(index, p);
    }
    return track.origin_s + (first_frame - 1) * frame_s;
  }

  /** One mark for neighbouring clipped columns. */
  #clip(time_s: number): void {
    const last = this.clipped_s.at(-1);
    if (last === undefined || time_s - last > 0.1) this.clipped_s.push(time_s);
  }

  /** The track with this grid; a detector that is chosen again goes on with the one it had. */
  #track(detector: string, frame_s: number, origin_s: number): ScoreTrack {
    const known = this.tracks.find(
      (track) =>
        track.detector === detector &&
        track.frame_s === frame_s &&
        Math.abs(track.origin_s - origin_s) < frame_s / 2,
    );
    if (known) return known;
    const keep = KEEP_S / frame_s;
    const track = {
      detector,
      frame_s,
      origin_s,
      score: new Pyramid(keep),
      energy: new Pyramid(keep),
      scores: new Series(),
    };
    this.tracks.push(track);
    return track;
  }
}

export function isClipped(min: number, max: number): boolean {
  return max >= 32767 || min <= -32768;
}
