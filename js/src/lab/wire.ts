import { assert } from "../assert.ts";
import { bytesOf } from "../wire/codec.ts";
import type { Detector, Reply } from "../wire/messages.ts";

/** What the lab and its kernel say to each other. The Python twin of this file is `widget/lab_controller.py`. */

/** Stretches of time: start, end, start, end, … in seconds, in order and disjoint. */
export type Spans = ArrayLike<number>;

/** A part of the recording: start and end in seconds. */
export type Span = readonly [number, number];

export const NOISES = ["pink", "white", "babble", "hum"] as const;

/** Noise in which the recording is heard. */
export interface Noise {
  kind: string;
  snr_db: number;
}

export interface LabDetector extends Detector {
  /** its name, numbered where there are several of a kind */
  label: string;
  /** Python that makes it */
  code: string;
  /** of WebRTC's detector, 0 to 3 */
  aggressiveness?: number;
}

export interface Metrics {
  f1: number;
  precision: number;
  recall: number;
  detection_error_rate: number;
  false_alarm_rate: number;
  onset_error_s: number | null;
  offset_error_s: number | null;
}

export interface Saved {
  path: string | null;
  /** ISO time */
  at: string | null;
  error: string | null;
}

/** What the server was asked with and how it does; its segments come as the second buffer. */
export interface ServerVerdict {
  threshold: number;
  min_silence_duration_ms: number;
  metrics: Metrics | null;
}

export interface LabState {
  type: "lab";
  name: string;
  duration_s: number;
  column_s: number;
  active: number;
  collar_ms: number;
  /** what is labelled, and so scored */
  span: Span;
  detectors: LabDetector[];
  metrics: (Metrics | null)[];
  /** null: not asked yet */
  server: ServerVerdict | null;
  /** what it is heard in; null: as it is */
  noise: Noise | null;
  pinned: LabDetector;
  can_undo: boolean;
  can_redo: boolean;
  saved: Saved;
}

export interface ScoresHeader {
  type: "scores";
  index: number;
  hop: number;
  rate: number;
  length: number;
}

export type FromLab =
  | LabState
  | ScoresHeader
  | { type: "unscored"; index: number; text: string }
  | { type: "scoring"; index: number; share: number }
  | { type: "comparing"; share: number }
  | Reply;

export type LabCommand =
  | "set_detector"
  | "set_active"
  | "set_collar"
  | "set_span"
  | "set_noise"
  | "edit"
  | "truth_from"
  | "pin"
  | "curve"
  | "sweep"
  | "export"
  | "export_truth"
  | "load_labels"
  | "save"
  | "use_live"
  | "transcribe_compare"
  | "stop_compare"
  | "ask_server"
  | "stop_scoring";

/** One point of a curve: a start threshold and what it would give. */
export interface CurvePoint {
  threshold: number;
  recall: number;
  precision: number;
  false_alarm_rate: number;
}

export interface Sweep {
  threshold: readonly number[];
  silence_ms: readonly number[];
  /** by silence, then by threshold */
  f1: Float32Array;
}

/** A text under one setting; words that differ from what was said are marked. */
export interface Transcribed {
  text: string;
  rate: number | null;
  /** of what: WER, or CER for scripts without spaces */
  measure: string;
  words: ["same" | "said" | "heard", string][];
}

export function decodeTruth(buffers: readonly DataView[]): Float64Array {
  return new Float64Array(bytesOf(only(buffers)));
}

/** Where the server found speech; nothing where it was not asked. */
export function decodeServer([, buffer]: readonly DataView[]): Float64Array {
  return buffer ? new Float64Array(bytesOf(buffer)) : new Float64Array();
}

export function decodeScores(buffers: readonly DataView[]): Float32Array {
  return new Float32Array(bytesOf(only(buffers)));
}

export function decodeCurve(buffers: readonly DataView[]): CurvePoint[] {
  const rows = new Float32Array(bytesOf(only(buffers)));
  const at = (i: number) => rows[i] as number;
  return Array.from({ length: rows.length / 4 }, (_, i) => ({
    threshold: at(4 * i),
    recall: at(4 * i + 1),
    precision: at(4 * i + 2),
    false_alarm_rate: at(4 * i + 3),
  }));
}

function only(buffers: readonly DataView[]): DataView {
  const [buffer] = buffers;
  assert(buffer, "a message came without its buffer");
  return buffer;
}
