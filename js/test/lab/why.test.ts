import { expect, it } from "vitest";
import { why } from "../../src/lab/why.ts";
import { type SegmentOptions, segment } from "../../src/vad/segmenter.ts";

const HOP = 100;
const RATE = 1000; // frames of 100 ms
const options: SegmentOptions = {
  threshold: 0.5,
  neg_threshold: 0.35,
  min_speech_duration_ms: 150,
  min_silence_duration_ms: 300,
  speech_pad_ms: 50,
  max_speech_duration_s: null,
};

function reasons(
  scores: number[],
  i: number,
  edge: "start" | "end",
  changes: Partial<SegmentOptions> = {},
  truth: number[] = [],
) {
  const rules = { ...options, ...changes };
  const length = scores.length * HOP;
  const spans = segment(scores, rules, HOP, RATE, length).map((sample) => sample / RATE);
  return why({ scores, hop: HOP, rate: RATE, length }, rules, spans, i, edge, truth);
}

const quiet = (n: number) => Array<number>(n).fill(0);
const loud = (n: number) => Array<number>(n).fill(1);

it("tells why speech begins and ends, each rule in the order in which it applied", () => {
  const scores = [...quiet(3), ...loud(5), 0.4, ...quiet(6)];
  expect(reasons(scores, 0, "start", {}, [0.2, 0.8])).toEqual({
    edge: "start",
    time_s: 0.25,
    rules: [
      { rule: "reached_start", time_s: 0.3 },
      { rule: "kept", ms: 150 },
      { rule: "pad", ms: 50, shared: false },
    ],
    truth: { time_s: 0.2, late_ms: 50 },
  });
  // 0.4 is between the lines: speech goes on
  expect(reasons(scores, 0, "end", {}, [0.2, 1]).rules).toEqual([
    { rule: "fell_below_release", time_s: 0.9 },
    { rule: "silence", ms: 300 },
    { rule: "pad", ms: 50, shared: false },
  ]);
  expect(reasons(scores, 0, "end", {}, [0.2, 1]).truth).toEqual({ time_s: 1, late_ms: -50 });
  expect(reasons(scores, 0, "end", {}, [3, 4]).truth).toBeNull();
});

it("tells that the recording ends, and that neighbours share what is between them", () => {
  const scores = [...loud(4), ...quiet(4), ...loud(4)];
  expect(reasons(scores, 1, "end").rules).toEqual([{ rule: "end_of_recording", time_s: 1.2 }]);
  const rules = reasons(scores, 0, "end", { speech_pad_ms: 400 }).rules;
  expect(rules.at(-1)).toEqual({ rule: "pad", ms: 200, shared: true });
});

it("tells that speech was too long, with and without a pause to cut at", () => {
  const without = reasons(loud(30), 0, "end", { max_speech_duration_s: 1, speech_pad_ms: 0 });
  expect(without.rules[0]?.rule).toBe("too_long");
  const scores = [...loud(6), ...quiet(2), ...loud(22)];
  const cut = reasons(scores, 0, "end", { max_speech_duration_s: 1, speech_pad_ms: 0 });
  expect(cut.rules).toEqual([
    { rule: "fell_below_release", time_s: 0.6 },
    { rule: "too_long", time_s: 0.6, pause: true },
  ]);
});
