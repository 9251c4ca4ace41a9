import { assert } from "../assert.ts";
import type { FramesHeader } from "./messages.ts";

/** One message of drawing data, decoded. */
export interface Frames {
  header: FramesHeader;
  /** min, max of each column, interleaved, int16 units; a column without sound has min above max */
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

/** Decodes a `frames` message.
 *
 * Three buffers (extremes, score, energy) or the same three in one.
 */
export function decodeFrames(header: FramesHeader, buffers: readonly DataView[]): Frames {
  const { columns, frames } = header;
  const sizes = [columns * 4, frames * 4, frames * 4] as const;
  const parts = buffers.length === 1 ? split(bytesOf(first(buffers)), sizes) : buffers.map(bytesOf);
  assert(parts.length === 3, `frames message with ${buffers.length} buffers`);
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

function first(buffers: readonly DataView[]): DataView {
  const buffer = buffers[0];
  assert(buffer, "frames message without buffers");
  return buffer;
}

function split(whole: ArrayBuffer, sizes: readonly number[]): ArrayBuffer[] {
  let offset = 0;
  return sizes.map((size) => {
    const part = whole.slice(offset, offset + size);
    offset += size;
    return part;
  });
}
