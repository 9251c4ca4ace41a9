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

/** Start cannot go below release, nor release above start: the one that is moved pushes the other along. */
export function withPartner(option: Option, value: number, detector: Detector): Partial<Detector> {
  if (option === "threshold" && value < detector.neg_threshold)
    return { threshold: value, neg_threshold: value };
  if (option === "neg_threshold" && value > detector.threshold)
    return { threshold: value, neg_threshold: value };
  return { [option]: value };
}
