import type { Detector } from "../wire/messages.ts";
import type { SessionStore } from "./session.ts";
import type { Synced } from "./synced.ts";

export type Line = "threshold" | "neg_threshold";
export type Thresholds = Pick<Detector, Line>;

const SERVER_RELEASE = 0.15; // Silero's own rule, which servers follow: so far below the start
const LEAST = 0.01;

/** The detectors' own defaults, as in `ipyspeaches/vad/detectors.py`; held together by tests/data/vad/detector-defaults.json. */
const DEFAULTS: Record<string, Thresholds> = {
  silero: { threshold: 0.5, neg_threshold: 0.35 },
  webrtc: { threshold: 0.5, neg_threshold: 0.5 },
  energy: { threshold: 500, neg_threshold: 500 / Math.SQRT2 },
  rms: { threshold: -40, neg_threshold: -43 },
  adaptive: { threshold: 8, neg_threshold: 5 },
};
const SERVER_DEFAULT = 0.9;

export function defaultsOf(detector: Detector, server: boolean): Thresholds | null {
  return server ? serverThresholds(SERVER_DEFAULT) : (DEFAULTS[detector.name] ?? null);
}

/** The server's lines: it has no release threshold of its own. */
export function serverThresholds(threshold: number): Thresholds {
  return { threshold, neg_threshold: Math.min(threshold, Math.max(threshold - SERVER_RELEASE, LEAST)) };
}

/** The detector by which the lines stand, and whether they are the server's.
 *
 * Where the server finds segments by a probability, the lines are its: what it confirmed, else what it was asked for.
 * Our own lane then shows what our detector would find by the same numbers.
 */
export function linesOf(synced: Synced, session: SessionStore): { detector: Detector; server: boolean } {
  const { detector, side } = synced;
  const asked = synced.get("server_turn_detection");
  const confirmed = session.confirmed.value;
  if (side !== "server" || detector.unit !== "probability" || !asked) return { detector, server: false };
  const lines = {
    ...serverThresholds(confirmed?.threshold ?? asked.threshold),
    min_silence_duration_ms: confirmed?.silence_duration_ms ?? asked.silence_duration_ms,
  };
  return { detector: { ...detector, ...lines }, server: true };
}

export type Option =
  | "threshold"
  | "neg_threshold"
  | "min_silence_duration_ms"
  | "min_speech_duration_ms"
  | "speech_pad_ms"
  | "max_speech_duration_s";

/** Where each line was put by hand. Start cannot go below release, nor release above start: the one that is moved takes
 * the other along, which comes back with it to where it was put.
 */
export class Wishes {
  #put: Thresholds | null = null;
  #got: Thresholds | null = null;

  /** What changes when one line goes to a value. */
  moved(line: Line, value: number, from: Thresholds): Partial<Thresholds> {
    const put = this.#of(from);
    const other = line === "threshold" ? "neg_threshold" : "threshold";
    const beside = line === "threshold" ? Math.min(put.neg_threshold, value) : Math.max(put.threshold, value);
    return { [line]: value, ...(beside === from[other] ? {} : { [other]: beside }) };
  }

  /** The lines stand elsewhere now, because of one of them; null: both were put there. */
  keep(line: Line | null, changes: Partial<Thresholds>, from: Thresholds): void {
    const { threshold, neg_threshold } = { ...from, ...changes };
    const lines = { threshold, neg_threshold };
    const put: Thresholds = line ? { ...this.#of(from), [line]: lines[line] } : lines;
    this.#put = put;
    this.#got = lines;
  }

  /** Lines that somebody else has moved are where they are. */
  #of({ threshold, neg_threshold }: Thresholds): Thresholds {
    const got = this.#got;
    const same = got?.threshold === threshold && got.neg_threshold === neg_threshold;
    return this.#put && same ? this.#put : { threshold, neg_threshold };
  }
}
