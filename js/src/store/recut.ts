import { Segmenter, type SegmentOptions, type Spans } from "../vad/segmenter.ts";
import type { Detector } from "../wire/messages.ts";
import type { ScoreTrack } from "./signals.ts";

const RATE_HZ = 24_000; // the session's clock, on which every frame length is a whole number of samples

/** A track cut by a detector's options: goes on as scores come, starts anew when options or the past change. */
export class Recut {
  #track: ScoreTrack | null = null;
  #options: SegmentOptions | null = null;
  #segmenter: Segmenter | null = null;
  #rewritten = 0;
  #fed = 0;
  #spans: Spans = [];
  #open = false;

  /** Segments found, an open one included. */
  get count(): number {
    return this.#spans.length / 2;
  }

  /** Cuts what is new, or everything; returns the earliest second that looks different (Infinity: none). */
  update(track: ScoreTrack | null, detector: Detector): number {
    if (!track) return this.#clear();
    const { scores, frame_s } = track;
    const hop = Math.round(frame_s * RATE_HZ);
    let from_s = Number.POSITIVE_INFINITY;
    if (
      track !== this.#track ||
      this.#rewritten !== scores.rewritten ||
      !this.#options ||
      !same(this.#options, detector)
    ) {
      this.#track = track;
      this.#rewritten = scores.rewritten;
      this.#options = optionsOf(detector);
      this.#segmenter = new Segmenter(this.#options, hop, RATE_HZ);
      this.#fed = 0;
      from_s = Number.NEGATIVE_INFINITY;
    }
    if (!this.#segmenter || this.#fed === scores.length) return from_s;
    this.#segmenter.feed(scores.values, this.#fed, scores.length);
    this.#fed = scores.length;
    const length = this.#fed * hop;
    const [spans, open] = [this.#segmenter.spans(length), this.#segmenter.open(length)];
    const changed = firstChange(this.#spans, spans, this.#open && open);
    this.#spans = spans;
    this.#open = open;
    return Math.min(from_s, track.origin_s + changed / RATE_HZ);
  }

  /** Whether the score of this moment is here: elsewhere this cut says nothing. */
  covers(time_s: number): boolean {
    const track = this.#track;
    return track?.score.knows(Math.floor((time_s - track.origin_s) / track.frame_s)) ?? false;
  }

  /** Visits every segment in the window; the open one ends at `now_s`. */
  visit(
    from_s: number,
    to_s: number,
    now_s: number,
    visitor: (start_s: number, end_s: number, open: boolean) => void,
  ): void {
    const spans = this.#spans;
    const origin_s = this.#track?.origin_s ?? 0;
    const time = (i: number) => origin_s + (spans[i] as number) / RATE_HZ;
    let low = 0; // the first segment that ends at `from_s` or later
    let high = spans.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time(2 * middle + 1) < from_s) low = middle + 1;
      else high = middle;
    }
    const open = this.#open ? spans.length - 2 : -1;
    if (open >= 0 && 2 * low > open) low = open / 2; // it goes on after the last score
    for (let i = 2 * low; i < spans.length && time(i) <= to_s; i += 2) {
      visitor(time(i), i === open ? Math.max(now_s, time(i)) : time(i + 1), i === open);
    }
  }

  #clear(): number {
    const changed = this.#track ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.#track = this.#options = this.#segmenter = null;
    this.#spans = [];
    this.#open = false;
    return changed;
  }
}

function optionsOf(detector: Detector): SegmentOptions {
  return {
    threshold: detector.threshold,
    neg_threshold: detector.neg_threshold,
    min_speech_duration_ms: detector.min_speech_duration_ms,
    min_silence_duration_ms: detector.min_silence_duration_ms,
    speech_pad_ms: detector.speech_pad_ms,
    max_speech_duration_s: detector.max_speech_duration_s ?? null,
  };
}

function same(options: SegmentOptions, detector: Detector): boolean {
  return (
    options.threshold === detector.threshold &&
    options.neg_threshold === detector.neg_threshold &&
    options.min_speech_duration_ms === detector.min_speech_duration_ms &&
    options.min_silence_duration_ms === detector.min_silence_duration_ms &&
    options.speech_pad_ms === detector.speech_pad_ms &&
    options.max_speech_duration_s === (detector.max_speech_duration_s ?? null)
  );
}

/** The first sample at which two lists of segments differ; the end of one that was and is open is no difference. */
function firstChange(before: Spans, after: Spans, open: boolean): number {
  const [n, m] = open ? [before.length - 1, after.length - 1] : [before.length, after.length];
  let i = 0;
  while (i < n && i < m && before[i] === after[i]) i++;
  if (i === n && i === m) return Number.POSITIVE_INFINITY;
  return Math.min(before[i] ?? Number.POSITIVE_INFINITY, after[i] ?? Number.POSITIVE_INFINITY);
}
