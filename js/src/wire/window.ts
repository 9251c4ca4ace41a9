import { assert } from "../assert.ts";
import type { Window } from "../store/signals.ts";
import { bytesOf } from "./codec.ts";

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
  const { level, first_column, columns, curves } = data as {
    level: number;
    first_column: number;
    columns: number;
    curves: Curve[];
  };
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
