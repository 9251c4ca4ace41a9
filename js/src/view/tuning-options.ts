import type { Detector } from "../wire/messages.ts";

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
