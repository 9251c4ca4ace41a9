/** What kernel and page say to each other. The Python twin of this file is `ipyspeaches/widget`. */

export type SourceKind = "browser" | "kernel" | "file";
export type CaptureErrorKind = "denied" | "no-device" | "insecure" | "unsupported" | "busy" | "other";

export interface Action {
  name: string;
  label_key?: string;
  label?: string;
}

/** A failure in words: what happened, what to do, and ways out. */
export interface Failure {
  kind: string;
  title: string;
  text: string;
  detail?: string;
  actions?: Action[];
}

/** The running detector; option names are those of the Python classes. */
export interface Detector {
  name: string;
  unit: "probability" | "energy";
  threshold: number;
  neg_threshold: number;
  min_silence_duration_ms: number;
  min_speech_duration_ms: number;
  speech_pad_ms: number;
}

/** Synced traits: slow state only. `models` is optional, older kernels do not have it. */
export interface Traits {
  state: string;
  source_kind: SourceKind;
  source_label: string;
  server_label: string;
  server_state: string;
  model: string;
  models?: string[];
  language: string;
  detector: Partial<Detector>;
  turn_detection_kind: "client" | "server";
  error: Failure | null;
  locale: string;
}

export interface Word {
  word: string;
  start: number;
  end: number;
  probability?: number | null;
}

/** Times are seconds on the session clock. `origin` tells whose opinion a stretch of speech is. */
export type SessionEvent =
  | { type: "speech_started"; time_s: number; origin?: "local" | "server" }
  | { type: "speech_stopped"; start_s: number; end_s: number; origin?: "local" | "server" }
  | { type: "partial"; item_id: string; start_s: number; text: string; stable?: number }
  | FinalEvent
  | { type: "warning"; time_s: number; kind: string; text: string }
  | { type: "committed"; start_s: number; end_s: number }
  | { type: "sent"; start_s: number; end_s: number; late?: boolean };

export interface FinalEvent {
  type: "final";
  item_id: string;
  id?: number;
  start_s: number;
  end_s: number;
  text: string;
  language?: string | null;
  latency_s?: number | null;
  words?: Word[];
}

export interface FramesHeader {
  type: "frames";
  first_column: number;
  column_s: number;
  columns: number;
  first_frame: number;
  /** When the first frame begins; without it, frames are counted from the start of the session. */
  first_frame_s?: number;
  frame_s: number;
  frames: number;
  clock_s: number;
  level_db: number;
  peak_db: number;
  clipped: boolean;
}

export interface Snapshot {
  type: "snapshot";
  clock_s?: number;
  segments?: Omit<FinalEvent, "type">[];
  partial?: { item_id: string; start_s: number; text: string } | null;
  events?: SessionEvent[];
}

export interface CaptureOrder {
  type: "capture";
  action: "start" | "pause" | "stop";
  capture_id: string | number;
  /** Which page should capture, where several show the same notebook; absent: every page. */
  client_id?: string;
}

export interface Reply {
  type: "reply";
  id: number;
  error: Failure | null;
}

export type FromKernel =
  | Snapshot
  | CaptureOrder
  | FramesHeader
  | { type: "events"; events: SessionEvent[] }
  | { type: "reset" }
  | Reply;

export type CommandName =
  | "start"
  | "pause"
  | "resume"
  | "stop"
  | "set_source"
  | "set_detector"
  | "set_model"
  | "set_language";

export type ToKernel =
  | { type: "hello"; client_id: string }
  | {
      type: "audio";
      seq: number;
      first_frame: number;
      rate: number;
      capture_id: string | number;
    }
  | {
      type: "capture";
      state: "started" | "ended" | "failed";
      capture_id: string | number;
      error?: CaptureErrorKind;
      detail?: string;
      label?: string;
      rate?: number;
    }
  | { type: "file"; file_id: string; name: string; size: number; offset: number }
  | { type: "command"; id: number; name: CommandName; args: Record<string, unknown>; client_id: string };
