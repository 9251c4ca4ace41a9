import { Segmenter, type SegmentOptions, type Spans } from "../vad/segmenter.ts";
import type { Detector } from "../wire/messages.ts";
import type { Curves } from "./drawing.ts";
import type { SegmentVisitor, Speech } from "./lane.ts";
import type { SessionStore } from "./session.ts";

const RATE_HZ = 24_000; // the session's clock, on which every frame length is a whole number of samples

/** Scores cut by a detector's options: goes on as scores come, starts anew when options or the past change. */
export class Recut implements Speech {
  #curves: Curves | null = null;
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
  update(curves: Curves | null, detector: Detector): number {
    if (!curves) return this.#clear();
    const { scores, frame_s } = curves;
    const hop = Math.round(frame_s * RATE_HZ);
    let from_s = Number.POSITIVE_INFINITY;
    if (
      curves !== this.#curves ||
      this.#rewritten !== scores.rewritten ||
      !this.#options ||
      !same(this.#options, detector)
    ) {
      this.#curves = curves;
      this.#rewritten = scores.rewritten;
      this.#options = detector;
      this.#segmenter = new Segmenter(this.#options, hop, RATE_HZ);
      this.#fed = 0;
      from_s = Number.NEGATIVE_INFINITY;
    }
    if (!this.#segmenter || this.#fed === scores.length) return from_s;
    this.#segmenter.advance(scores.values, this.#fed, scores.length);
    this.#fed = scores.length;
    const length = this.#fed * hop;
    const [spans, open] = [this.#segmenter.spans(length), this.#segmenter.open(length)];
    const changed = firstChange(this.#spans, spans, this.#open && open);
    this.#spans = spans;
    this.#open = open;
    return Math.min(from_s, changed / RATE_HZ);
  }

  /** Whether the score of this moment is here: elsewhere these segments say nothing. */
  covers(time_s: number): boolean {
    const curves = this.#curves;
    return curves?.score.knows(Math.floor(time_s / curves.frame_s)) ?? false;
  }

  visit(from_s: number, to_s: number, now_s: number, visitor: SegmentVisitor): void {
    const spans = this.#spans;
    const time = (i: number) => (spans[i] as number) / RATE_HZ;
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
    const changed = this.#curves ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.#curves = this.#options = this.#segmenter = null;
    this.#spans = [];
    this.#open = false;
    return changed;
  }
}

/** The client's segments: the past as the lines stand now. Where the running detector did not listen, what was found then. */
export class ClientLane implements Speech {
  readonly #session: SessionStore;
  readonly #recut = new Recut();

  constructor(session: SessionStore) {
    this.#session = session;
  }

  get count(): number {
    return this.#recut.count;
  }

  /** Follows scores and options; returns the earliest second that looks different. */
  update(detector: Detector): number {
    return this.#recut.update(this.#session.drawing.curvesOf(detector.name), detector);
  }

  visit(from_s: number, to_s: number, now_s: number, visitor: SegmentVisitor): void {
    this.#session.segments.client.visit(from_s, to_s, now_s, (start_s, end_s, open) => {
      if (!this.#recut.covers((start_s + end_s) / 2) && !(open && this.#recut.covers(start_s)))
        visitor(start_s, end_s, open);
    });
    this.#recut.visit(from_s, to_s, now_s, visitor);
  }
}

function same(a: SegmentOptions, b: SegmentOptions): boolean {
  return (
    a.threshold === b.threshold &&
    a.neg_threshold === b.neg_threshold &&
    a.min_speech_duration_ms === b.min_speech_duration_ms &&
    a.min_silence_duration_ms === b.min_silence_duration_ms &&
    a.speech_pad_ms === b.speech_pad_ms &&
    a.max_speech_duration_s === b.max_speech_duration_s
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
