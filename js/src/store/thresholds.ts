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

/** Where the server cuts: it has no release threshold of its own. */
export function serverThresholds(threshold: number): Thresholds {
  return { threshold, neg_threshold: Math.min(threshold, Math.max(threshold - SERVER_RELEASE, LEAST)) };
}

/** The detector by which the lines stand, and whether they are the server's.
 *
 * Where the server cuts by a probability, the lines are its: what it confirmed, else what it was asked for. Our own
 * lane then shows what our detector would cut by the same numbers.
 */
export function linesOf(
  { detector, whose, turnDetection }: Lines,
  { confirmed }: Pick<SessionStore, "confirmed">,
): { detector: Detector; server: boolean } {
  if (whose !== "server" || detector.unit !== "probability" || !turnDetection)
    return { detector, server: false };
  const threshold = confirmed?.threshold ?? turnDetection.threshold;
  const silence_ms = confirmed?.silence_duration_ms ?? turnDetection.silence_duration_ms;
  const cuts = { ...serverThresholds(threshold), min_silence_duration_ms: silence_ms };
  return { detector: { ...detector, ...cuts }, server: true };
}

interface Lines {
  detector: Detector;
  whose: "local" | "server";
  turnDetection: { threshold: number; silence_duration_ms: number } | null | undefined;
}

export function linesFrom(synced: Synced, session: SessionStore): { detector: Detector; server: boolean } {
  const { detector, whose } = synced;
  return linesOf({ detector, whose, turnDetection: synced.get("server_turn_detection") }, session);
}
