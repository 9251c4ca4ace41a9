import { at } from "../assert.ts";
import type { Frames } from "../wire/codec.ts";
import type { FramesHeader } from "../wire/messages.ts";
import { Pyramid } from "./pyramid.ts";

const KEEP_S = 4 * 3600; // finest detail of the last four hours; older past from a coarser level

/** Scores of one detector on its own frame grid; another detector or frame length begins another track. */
export interface ScoreTrack {
  detector: string;
  frame_s: number;
  /** number of its first frame in the messages, and when that frame begins */
  first_frame: number;
  start_s: number;
  /** by frames since `start_s` */
  score: Pyramid;
  energy: Pyramid;
}

/** Everything drawn that is one value a moment: waveform columns, scores, energies, clipping. */
export class Signals {
  column_s = 0.01;
  columns = new Pyramid(KEEP_S / 0.01);
  tracks: ScoreTrack[] = [];
  /** Columns whose extremes touch full scale. */
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
      const [min, max] = [at(extremes, 2 * i), at(extremes, 2 * i + 1)];
      this.columns.set(header.first_column + i, min, max);
      if (min > max) this.lost_s += header.column_s;
      else if (max >= 32767 || min <= -32768) this.#clip((header.first_column + i) * this.column_s);
    }
    const track = this.#track(header, detector);
    const offset = header.first_frame - track.first_frame;
    for (let i = 0; i < header.frames; i++) {
      track.score.set(offset + i, at(score, i), at(score, i));
      track.energy.set(offset + i, at(energy, i), at(energy, i));
    }
    const column_start = header.columns ? header.first_column * header.column_s : Infinity;
    // the curve is joined to the frame before
    const frame_start = header.frames ? track.start_s + (offset - 1) * header.frame_s : Infinity;
    return Math.min(column_start, frame_start);
  }

  /** Largest |sample| between two moments in int16 units; null without sound. */
  peak(from_s: number, to_s: number): number | null {
    const { min, max } = this.columns.range(from_s / this.column_s, to_s / this.column_s);
    return min > max ? null : Math.max(Math.abs(min), Math.abs(max));
  }

  /** One mark for neighbouring clipped columns. */
  #clip(time_s: number): void {
    const last = this.clipped_s.at(-1);
    if (last === undefined || time_s - last > 0.1) this.clipped_s.push(time_s);
  }

  /** The track that a message continues: same detector, same grid, no jump in time. */
  #track({ frames, first_frame, first_frame_s, frame_s }: FramesHeader, detector: string): ScoreTrack {
    const start_s = frames > 0 ? (first_frame_s ?? first_frame * frame_s) : 0;
    const fits = (track: ScoreTrack) =>
      frames === 0 ||
      (track.detector === detector &&
        track.frame_s === frame_s &&
        first_frame >= track.first_frame &&
        Math.abs(track.start_s + (first_frame - track.first_frame) * frame_s - start_s) < frame_s / 2);
    const known = this.tracks.findLast(fits);
    if (known) return known;
    const keep = KEEP_S / frame_s;
    const track = {
      detector,
      frame_s,
      first_frame,
      start_s,
      score: new Pyramid(keep),
      energy: new Pyramid(keep),
    };
    this.tracks.push(track);
    return track;
  }
}
