import { assert } from "../assert.ts";
import type { FramesHeader } from "./messages.ts";

/** One message of drawing data, decoded. */
export interface Frames {
  header: FramesHeader;
  /** min, max of each column, interleaved, int16 units; a column without audio has min above max */
  extremes: Int16Array;
  /** score of the running detector, one a frame */
  score: Float32Array;
  /** mean |sample| of each frame, int16 units */
  energy: Float32Array;
}

/** The bytes that a DataView shows: never the whole buffer behind it, and copied so that any alignment will do. */
export function bytesOf(view: DataView): ArrayBuffer {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer;
}

/** Decodes a `frames` message: extremes, score, energy. */
export function decodeFrames(header: FramesHeader, buffers: readonly DataView[]): Frames {
  const { columns, frames } = header;
  const sizes = [columns * 4, frames * 4, frames * 4] as const;
  const parts = buffers.map(bytesOf);
  assert(parts.length === 3, `frames message with ${parts.length} buffers`);
  const [extremes, score, energy] = parts as [ArrayBuffer, ArrayBuffer, ArrayBuffer];
  for (const [i, part] of parts.entries()) {
    assert(part.byteLength === sizes[i], `frames buffer ${i} has ${part.byteLength} bytes, not ${sizes[i]}`);
  }
  return {
    header,
    extremes: new Int16Array(extremes),
    score: new Float32Array(score),
    energy: new Float32Array(energy),
  };
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

interface Curve {
  detector: string;
  frame_s: number;
  first_frame: number;
  entries: number;
}

/** Decodes the reply to a `window` command: columns, then score and energy extremes of each detector. */
export function decodeWindow(
  data: Record<string, unknown>,
  buffers: readonly DataView[],
  asked: number,
): Window {
  const {
    level,
    first_column,
    columns,
    curves = [], // a lab's scores come whole
  } = data as { level: number; first_column: number; columns: number; curves?: Curve[] };
  assert(buffers.length === 1 + 2 * curves.length, `window with ${buffers.length} buffers`);
  const part = (i: number, bytes: number): ArrayBuffer => {
    const view = buffers[i];
    assert(view?.byteLength === bytes, `window buffer ${i} has ${view?.byteLength} bytes, not ${bytes}`);
    return bytesOf(view);
  };
  return {
    level,
    first_column,
    asked,
    extremes: new Int16Array(part(0, columns * 4)),
    curves: curves.map(({ detector, frame_s, first_frame, entries }, i) => ({
      detector,
      frame_s,
      first_frame,
      score: new Float32Array(part(1 + 2 * i, entries * 8)),
      energy: new Float32Array(part(2 + 2 * i, entries * 8)),
    })),
  };
}
