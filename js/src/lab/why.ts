import { type SegmentOptions, segment } from "../vad/segmenter.ts";
import { at } from "./intervals.ts";
import { overlapping } from "./judge.ts";
import type { Spans } from "./wire.ts";

/** Why speech begins or ends where it does: each rule that applied, in order. */
export type Rule =
  | { rule: "reached_start"; time_s: number }
  | { rule: "fell_below_release"; time_s: number }
  | { rule: "kept"; ms: number }
  | { rule: "silence"; ms: number }
  | { rule: "too_long"; time_s: number; pause: boolean }
  | { rule: "goes_on"; time_s: number }
  | { rule: "end_of_recording"; time_s: number }
  | { rule: "pad"; ms: number; shared: boolean };

export interface Why {
  edge: "start" | "end";
  time_s: number;
  rules: Rule[];
  /** the truth's own edge and by how much this one is late (negative: early) */
  truth: { time_s: number; late_ms: number } | null;
}

interface Scored {
  scores: ArrayLike<number>;
  hop: number;
  rate: number;
  length: number;
}

/** `spans` are the padded segments in seconds, `i` the number of the one asked about. */
export function why(
  scored: Scored,
  options: SegmentOptions,
  spans: Spans,
  i: number,
  edge: "start" | "end",
  truth: Spans,
): Why {
  const raw = unpadded(scored, options);
  const time_s = at(spans, edge === "start" ? 2 * i : 2 * i + 1);
  const rules = edge === "start" ? startRules(scored, options, raw, i) : endRules(scored, options, raw, i);
  const here = at(raw, edge === "start" ? 2 * i : 2 * i + 1) / scored.rate;
  const pad_ms = Math.round(Math.abs(time_s - here) * 1000);
  if (pad_ms > 0) rules.push({ rule: "pad", ms: pad_ms, shared: pad_ms < Math.round(options.speech_pad_ms) });
  return { edge, time_s, rules, truth: truthAt(spans, i, edge, truth) };
}

/** The same segments without padding, as sample indices; padding counts in the rule for long speech, so that it stays there. */
function unpadded({ scores, hop, rate, length }: Scored, options: SegmentOptions): number[] {
  const longest_s = options.max_speech_duration_s;
  const max_speech_duration_s = longest_s === null ? null : longest_s - (2 * options.speech_pad_ms) / 1000;
  return segment(scores, { ...options, speech_pad_ms: 0, max_speech_duration_s }, hop, rate, length);
}

function startRules(
  { scores, hop, rate }: Scored,
  options: SegmentOptions,
  raw: number[],
  i: number,
): Rule[] {
  const start = at(raw, 2 * i);
  const reached = (scores[start / hop] ?? Number.NEGATIVE_INFINITY) >= options.threshold;
  const first: Rule = reached
    ? { rule: "reached_start", time_s: start / rate }
    : { rule: "goes_on", time_s: start / rate };
  return [first, { rule: "kept", ms: Math.round(options.min_speech_duration_ms) }];
}

function endRules(
  { scores, hop, rate, length }: Scored,
  options: SegmentOptions,
  raw: number[],
  i: number,
): Rule[] {
  const end = at(raw, 2 * i + 1);
  const time_s = end / rate;
  if (end >= length) return [{ rule: "end_of_recording", time_s }];
  const fell: Rule = { rule: "fell_below_release", time_s };
  const silence = (options.min_silence_duration_ms * rate) / 1000;
  const quiet = (scores[end / hop] ?? 0) < options.neg_threshold;
  if (quiet && silentFor(scores, end / hop, options.threshold) * hop >= silence)
    return [fell, { rule: "silence", ms: Math.round(options.min_silence_duration_ms) }];
  return quiet
    ? [fell, { rule: "too_long", time_s, pause: true }]
    : [{ rule: "too_long", time_s, pause: false }];
}

/** How many frames it is until a score reaches `threshold` again; to the last frame where none does. */
function silentFor(scores: ArrayLike<number>, from: number, threshold: number): number {
  let i = from;
  while (i < scores.length && (scores[i] as number) < threshold) i++;
  return i < scores.length ? i - from : Number.POSITIVE_INFINITY;
}

function truthAt(spans: Spans, i: number, edge: "start" | "end", truth: Spans): Why["truth"] {
  const [first, last] = overlapping(spans, i, truth);
  if (last < first) return null;
  const time_s = edge === "start" ? at(truth, 2 * first) : at(truth, 2 * last + 1);
  const here_s = at(spans, edge === "start" ? 2 * i : 2 * i + 1);
  return { time_s, late_ms: Math.round((here_s - time_s) * 1000) };
}
