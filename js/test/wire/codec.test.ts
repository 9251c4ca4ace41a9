import { describe, expect, it } from "vitest";
import { bytesOf, decodeFrames } from "../../src/wire/codec.ts";
import type { FramesHeader } from "../../src/wire/messages.ts";

const HEADER: FramesHeader = {
  type: "frames",
  detector: "silero",
  first_column: 10,
  column_s: 0.01,
  columns: 2,
  first_frame: 3,
  frame_s: 0.032,
  frames: 1,
  clock_s: 0.12,
  level_db: -20,
  peak_db: -12,
  clipped: false,
};

/** A view into the middle of a larger buffer, at an odd offset, as websocket messages hand them out. */
function windowed(part: ArrayBufferView, offset = 3): DataView {
  const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  const whole = new Uint8Array(offset + bytes.length + 7).fill(0xaa);
  whole.set(bytes, offset);
  return new DataView(whole.buffer, offset, bytes.length);
}

describe("bytesOf", () => {
  it("copies the window and nothing around it", () => {
    expect([...new Uint8Array(bytesOf(windowed(new Uint8Array([1, 2, 3]))))]).toEqual([1, 2, 3]);
  });
});

describe("decodeFrames", () => {
  const extremes = new Int16Array([-5, 6, -32768, 32767]);
  const score = new Float32Array([0.25]);
  const energy = new Float32Array([512]);

  it("reads three buffers at any alignment", () => {
    const frames = decodeFrames(HEADER, [windowed(extremes), windowed(score), windowed(energy, 1)]);
    expect([...frames.extremes]).toEqual([-5, 6, -32768, 32767]);
    expect([...frames.score]).toEqual([0.25]);
    expect([...frames.energy]).toEqual([512]);
  });

  it("refuses buffers that do not fit the header", () => {
    expect(() =>
      decodeFrames(HEADER, [windowed(extremes), windowed(score), windowed(new Float32Array(2))]),
    ).toThrow("frames buffer 2 has 8 bytes, not 4");
    expect(() => decodeFrames(HEADER, [])).toThrow("0 buffers");
  });
});
