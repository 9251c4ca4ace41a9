import { at, complement, firstAfter, intersected, length_s, merged, touched } from "./intervals.ts";
import type { Metrics, Span, Spans } from "./wire.ts";

/** How segments compare with the truth; the twin of `ipyspeaches/vad/evaluation.py`, for numbers that move with a line. */
export interface Judgement {
  metrics: Metrics;
  missed: number[];
  false_alarms: number[];
}

const NOTHING_S = 1e-9;
const ratio = (part: number, whole: number, empty: number) => (whole ? part / whole : empty);
const filled = (seconds: number) => (seconds > NOTHING_S ? seconds : 0);

/** null: there is no truth. `all_found` and `all_truth` are in order and disjoint; those that touch stay apart. Only
 * what is in `span` is judged.
 */
export function judge(all_found: Spans, all_truth: Spans, collar_s: number, span: Span): Judgement | null {
  if (all_truth.length === 0) return null;
  const [from_s, to_s] = span;
  const found = touched(all_found, from_s, to_s);
  const truth = touched(all_truth, from_s, to_s);
  const evaluated = complement(collars(all_truth, collar_s), from_s, to_s);
  const speech = intersected(merged(truth), evaluated);
  const detected = intersected(merged(found), evaluated);
  const hits = intersected(detected, speech);
  const speech_s = length_s(speech);
  const hit_s = filled(length_s(hits));
  const false_s = filled(length_s(detected) - length_s(hits));
  const missed_s = filled(speech_s - length_s(hits));
  const silence_s = filled(length_s(evaluated) - speech_s - false_s);
  const precision = ratio(hit_s, hit_s + false_s, 1);
  const recall = ratio(hit_s, hit_s + missed_s, 1);
  const wrong_s = false_s + missed_s;
  return {
    metrics: {
      precision,
      recall,
      f1: ratio(2 * precision * recall, precision + recall, 0),
      detection_error_rate: ratio(wrong_s, hit_s + missed_s, wrong_s > 0 ? 1 : 0),
      false_alarm_rate: ratio(false_s, false_s + silence_s, 0),
      ...boundaryErrors(truth, found),
    },
    missed: without(speech, detected, span),
    false_alarms: without(detected, speech, span),
  };
}

function without(these: Spans, others: Spans, [from_s, to_s]: Span): number[] {
  return intersected(these, complement(others, from_s, to_s));
}

function collars(truth: Spans, collar_s: number): number[] {
  if (collar_s <= 0) return [];
  const edges = Array.from(truth).sort((a, b) => a - b);
  return merged(edges.flatMap((edge) => [edge - collar_s / 2, edge + collar_s / 2]));
}

/** Mean signed errors of beginnings and ends; null where there is nothing to compare.
 *
 * A beginning is compared with that of the first segment that overlaps the region, unless that segment already began
 * in another region; ends accordingly.
 */
function boundaryErrors(truth: Spans, found: Spans): Pick<Metrics, "onset_error_s" | "offset_error_s"> {
  const sums = { onset: 0, onsets: 0, offset: 0, offsets: 0 };
  for (let r = 0; r < truth.length; r += 2) {
    const { start, end } = edgesOf(truth, r / 2, found);
    if (start !== null) {
      sums.onset += start - at(truth, r);
      sums.onsets++;
    }
    if (end !== null) {
      sums.offset += end - at(truth, r + 1);
      sums.offsets++;
    }
  }
  return {
    onset_error_s: sums.onsets ? sums.onset / sums.onsets : null,
    offset_error_s: sums.offsets ? sums.offset / sums.offsets : null,
  };
}

/** Where the segments of a region of the truth begin and end, unless those edges belong to another region. */
function edgesOf(truth: Spans, region: number, found: Spans): { start: number | null; end: number | null } {
  const [first, last] = overlapping(truth, region, found);
  if (last < first) return { start: null, end: null };
  return {
    start: overlapping(found, first, truth)[0] === region ? at(found, 2 * first) : null,
    end: overlapping(found, last, truth)[1] === region ? at(found, 2 * last + 1) : null,
  };
}

/** First and last of the others that one stretch overlaps; last below first: none. */
export function overlapping(these: Spans, i: number, others: Spans): [number, number] {
  const [start, end] = [at(these, 2 * i), at(these, 2 * i + 1)];
  const first = firstAfter(others, start);
  let last = first - 1;
  while (2 * (last + 1) < others.length && at(others, 2 * (last + 1)) < end) last++;
  return [first, last];
}
