import type { Strings } from "../i18n/index.ts";
import type { Speech } from "../store/local-lane.ts";
import type { SessionStore } from "../store/session.ts";
import { amplitudeDb, decibel } from "./format.ts";
import type { Axis } from "./paint/scene.ts";

/** The picture in a sentence, for those who do not see it: "12 to 36 s, 4 stretches of speech, 1 open". */
export function describePicture(speech: Speech, axis: Axis, edge_s: number, words: Strings): string {
  let count = 0;
  let open = false;
  const [from_s, to_s] = [axis.time(0), axis.time(axis.width)];
  speech.visit(from_s, to_s, edge_s, (_start_s, _end_s, still) => {
    count++;
    open ||= still;
  });
  const shown_s = Math.min(to_s, Math.max(edge_s, from_s));
  return words.canvas(from_s.toFixed(0), shown_s.toFixed(0), count, open);
}

/** The loudest sample of the window, in dB of full scale. */
export function peakDb(session: SessionStore, axis: Axis): string {
  const peak = session.signals.peak(axis.time(0), axis.time(axis.width));
  return decibel(peak === null ? null : peak >= 32767 ? 0 : amplitudeDb(peak), 1);
}
