/** Scores in, segments out: the twin of `src/ipyspeaches/vad/segmenter.py`, rule for rule.
 *
 * 1. A score of `threshold` or more starts speech.
 * 2. Inside speech, scores below `neg_threshold` are silence; it ends when a score reaches `threshold` again.
 * 3. Silence of `min_silence_duration_ms` ends the segment where the silence began.
 * 4. A segment not longer than `min_speech_duration_ms` is dropped.
 * 5. A segment beyond `max_speech_duration_s` (less one frame and the padding) is cut at its longest silence above
 *    98 ms, or right there.
 * 6. Padding comes last; neighbours share what is between them.
 *
 * All positions are sample indices, so that both languages compare the same whole numbers. Both test suites read the
 * same vectors.
 */

export interface SegmentOptions {
  threshold: number;
  neg_threshold: number;
  min_speech_duration_ms: number;
  min_silence_duration_ms: number;
  speech_pad_ms: number;
  /** null: no limit */
  max_speech_duration_s: number | null;
}

/** Start and end of each segment, interleaved sample indices. */
export type Spans = number[];

const MIN_SILENCE_AT_MAX_SPEECH_MS = 98;
const NONE = -1;

/** Cuts scores, one a frame of `hop` samples, into segments; `length` is the recording's, in samples. */
export function segment(
  scores: ArrayLike<number>,
  options: SegmentOptions,
  hop: number,
  rate: number,
  length: number,
): Spans {
  const segmenter = new Segmenter(options, hop, rate);
  segmenter.advance(scores, 0, scores.length);
  return segmenter.spans(length);
}

/** The state of one pass over the scores, which may go on as they come. */
export class Segmenter {
  readonly #threshold: number;
  readonly #neg_threshold: number;
  readonly #hop: number;
  readonly #min_speech: number;
  readonly #min_silence: number;
  readonly #min_pause: number;
  readonly #max_speech: number;
  readonly #padding: number;
  readonly #found: Spans = [];
  #start = NONE;
  #silence_start = NONE;
  #pause_start = NONE; // the longest pause inside this segment
  #pause_length = 0;

  constructor(options: SegmentOptions, hop: number, rate: number) {
    const per_ms = rate / 1000;
    this.#threshold = options.threshold;
    this.#neg_threshold = options.neg_threshold;
    this.#hop = hop;
    this.#min_speech = options.min_speech_duration_ms * per_ms;
    this.#min_silence = options.min_silence_duration_ms * per_ms;
    this.#min_pause = MIN_SILENCE_AT_MAX_SPEECH_MS * per_ms;
    this.#padding = options.speech_pad_ms * per_ms;
    const longest_s = options.max_speech_duration_s ?? Number.POSITIVE_INFINITY;
    this.#max_speech = longest_s * rate - hop - 2 * this.#padding;
  }

  /** Reads the scores of frames `from` to `to`, in order. */
  advance(scores: ArrayLike<number>, from: number, to: number): void {
    const [threshold, neg_threshold, hop] = [this.#threshold, this.#neg_threshold, this.#hop];
    for (let i = from; i < to; i++) {
      const score = scores[i] as number;
      // most frames change nothing: silence outside speech, speech inside it
      if (this.#start === NONE) {
        if (score >= threshold) this.#start = i * hop;
      } else if (this.#silence_start !== NONE || score < neg_threshold || this.#too_long(i * hop)) {
        this.#step(score, i * hop);
      }
    }
  }

  /** Whether speech that will count goes on at `length`. */
  open(length: number): boolean {
    return this.#start !== NONE && length - this.#start > this.#min_speech;
  }

  /** The segments of the recording so far, `length` samples, padded; one that is still open ends there. */
  spans(length: number): Spans {
    const found = this.open(length) ? [...this.#found, this.#start, length] : this.#found;
    return pad(found, this.#padding, length);
  }

  #too_long(now: number): boolean {
    return now - this.#start > this.#max_speech;
  }

  /** One frame inside speech. */
  #step(score: number, now: number): void {
    if (score >= this.#threshold && this.#silence_start !== NONE) this.#endPause(now);
    if (this.#too_long(now) && this.#splitLong(now)) return;
    if (score < this.#neg_threshold) this.#inSilence(now);
  }

  #endPause(now: number): void {
    const pause = now - this.#silence_start;
    if (pause > this.#min_pause && pause > this.#pause_length) {
      this.#pause_start = this.#silence_start;
      this.#pause_length = pause;
    }
    this.#silence_start = NONE;
  }

  #inSilence(now: number): void {
    if (this.#silence_start === NONE) this.#silence_start = now;
    if (now - this.#silence_start < this.#min_silence) return;
    if (this.#silence_start - this.#start > this.#min_speech) this.#close(this.#silence_start);
    this.#reset();
  }

  /** Cuts a segment that is too long; returns whether this frame is used up by it. */
  #splitLong(now: number): boolean {
    if (this.#pause_start === NONE) {
      this.#close(now);
      this.#reset();
      return true;
    }
    this.#close(this.#pause_start);
    const next = this.#pause_start + this.#pause_length;
    this.#reset();
    this.#start = next;
    return false;
  }

  #close(end: number): void {
    this.#found.push(this.#start, end);
  }

  #reset(): void {
    this.#start = this.#silence_start = this.#pause_start = NONE;
    this.#pause_length = 0;
  }
}

/** Widens segments by `padding` samples, or by half the silence where two would meet. */
export function pad(spans: Spans, padding: number, length: number): Spans {
  const edges = [...spans];
  const edge = (i: number): number => edges[i] as number;
  if (edges.length) {
    edges[0] = Math.trunc(Math.max(0, edge(0) - padding));
    edges[edges.length - 1] = Math.trunc(Math.min(length, edge(edges.length - 1) + padding));
  }
  for (let end = 1; end + 1 < edges.length; end += 2) {
    const silence = edge(end + 1) - edge(end);
    if (silence < 2 * padding) {
      const half = Math.floor(silence / 2);
      edges[end] = edge(end) + half;
      edges[end + 1] = Math.max(0, edge(end + 1) - half);
    } else {
      edges[end] = Math.trunc(Math.min(length, edge(end) + padding));
      edges[end + 1] = Math.trunc(Math.max(0, edge(end + 1) - padding));
    }
  }
  return edges;
}
