import { describe, expect, it } from "vitest";
import shared from "../../../tests/data/vad/segmenter-vectors.json" with { type: "json" };
import { type SegmentOptions, segment } from "../../src/vad/segmenter.ts";

interface Vector {
  name: string;
  scores: number[];
  options: SegmentOptions;
  hop: number;
  rate: number;
  length: number;
  padded: [number, number][];
}

const vectors = shared as unknown as Vector[];

describe("the segmenter equals the Python one", () => {
  it.each(vectors)("$name", ({ scores, options, hop, rate, length, padded }) => {
    expect(segment(Float32Array.from(scores), options, hop, rate, length)).toEqual(padded.flat());
  });
});

it("cuts nothing out of nothing", () => {
  const options: SegmentOptions = {
    threshold: 0.5,
    neg_threshold: 0.35,
    min_speech_duration_ms: 250,
    min_silence_duration_ms: 550,
    speech_pad_ms: 100,
    max_speech_duration_s: null,
  };
  expect(segment(new Float32Array(0), options, 512, 16000, 0)).toEqual([]);
});
