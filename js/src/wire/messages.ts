/** What kernel and page say to each other. The Python twin of this file is `ipyspeaches/widget`. */

export type SourceKind = "browser" | "kernel" | "file";
export type CaptureErrorKind = "denied" | "no-device" | "insecure" | "unsupported" | "busy" | "other";

/** A way out of a failure. */
export interface Action {
  name: string;
}

/** A failure in words: what happened, what to do, and ways out. The page's own have no title: it knows the words. */
export interface Failure {
  kind: string;
  title: string;
  text: string;
  detail?: string;
  actions?: Action[];
}

export type Unit = "probability" | "energy" | "dBFS" | "dB";

/** The running detector; option names are those of the Python classes. */
export interface Detector {
  name: string;
  unit: Unit;
  threshold: number;
  neg_threshold: number;
  min_silence_duration_ms: number;
  min_speech_duration_ms: number;
  speech_pad_ms: number;
  /** null: no limit */
  max_speech_duration_s: number | null;
}

/** Which side's segments count: those of the client's detector, or the server's. */
export type Side = "client" | "server";

/** The numbers by which the server finds segments. */
export interface ServerTurnDetection {
  threshold: number;
  silence_duration_ms: number;
}

interface Preset {
  name: string;
  model: string;
}

/** Something that the server does with a model, and since when on the kernel's clock. */
export interface ModelJob {
  model: string;
  kind: "download" | "load";
  since_ms: number;
  /** of a download whose progress is known */
  done_bytes?: number;
  total_bytes?: number | null;
}

/** The embedded server's model, where there is something to say about it. */
export interface LocalModel {
  /** the one that could be had */
  model: string;
  /** about how much that is; 0 where nobody knows */
  size_bytes: number;
  /** whether it was asked for by name; else it is better than the one that is there */
  named: boolean;
  /** whether the packages that run it are installed */
  can_run: boolean;
  state: "offered" | "downloading" | "done";
  /** of a download under way, or kept of one that ended early */
  done_bytes?: number;
  total_bytes?: number | null;
  failure: Failure | null;
}

/** A recording that an earlier kernel left, where there is something to say about it. */
export interface Unfinished {
  state: "offered" | "opened" | "retrying";
  /** when it began, on the kernel's clock */
  started_ms: number;
  duration_s: number;
  /** stretches that have no text */
  without_text: number;
}

/** The take that is shown: its number, its name if it was given one, and how many there are. */
interface ShownTake {
  number: number;
  name: string;
  count: number;
}

/** A take in the list of all. */
export interface TakeRow {
  number: number;
  name: string;
  started_ms: number;
  duration_s: number;
}

/** The text of a take beside another's: for each utterance its pieces, and whether the other one lacks them. */
export type TakeText = readonly (readonly (readonly [own: boolean, text: string])[])[];

/** A session that listens along with the widget's own, so that both can be compared. */
export interface ComparedRun {
  name: string;
  state: string;
  /** transport, model and detector */
  about: string;
  error: Failure | null;
  /** seconds of audio that it has not read yet; 0 where that is nothing to speak of */
  behind_s: number;
}

/** Synced traits: slow state only. Those that only the page reads are private in Python: see `traitName`. */
export interface Traits {
  state: string;
  source_kind: SourceKind;
  source_label: string;
  /** of a file, where it is known; else 0 */
  source_duration_s: number;
  /** at which multiple of real time files play; 0: as fast as the server can follow */
  pace: number;
  take: ShownTake | null;
  /** by which way speech goes to the server */
  transport: string;
  server_label: string;
  /** its whole address; empty: the default server */
  server_url: string;
  server_state: string;
  server_version: string;
  /** an id, or a preset's name until the server has answered; empty: the server's first */
  model: string;
  models: string[];
  /** of all the server's models, those in its memory */
  loaded_models: string[];
  model_jobs: ModelJob[];
  local_model: LocalModel | null;
  unfinished: Unfinished | null;
  presets: Preset[];
  language: string;
  /** "simplified", "traditional", or empty: characters in which Chinese is written */
  script: string;
  detector: Detector;
  /** names of the detectors that the kernel can run */
  detectors: string[];
  turn_detection_kind: Side;
  /** null: the client finds the segments */
  server_turn_detection: ServerTurnDetection | null;
  error: Failure | null;
  locale: string;
  compared: ComparedRun[];
}

const PUBLIC: ReadonlySet<keyof Traits> = new Set(["state", "locale"]);

/** What a trait is called in the model: `_` stands before the names that are no business of the user. */
export function traitName(name: keyof Traits): string {
  return PUBLIC.has(name) ? name : `_${name}`;
}

/** Times are seconds on the session clock. `source` tells whose opinion a segment is. */
export type SessionEvent =
  | { type: "speech_started"; start_s: number; source: Side }
  | { type: "speech_stopped"; start_s: number; end_s: number; source: Side }
  | PartialEvent
  | FinalEvent
  | WarningEvent
  | ({ type: "mark" } & Mark)
  | { type: "reconfigured"; time_s: number; turn_detection: Partial<ServerTurnDetection> | null }
  | { type: "committed"; start_s: number; end_s: number }
  | { type: "waiting"; utterances: Waiting[] }
  /** there is no connection; in so many seconds it is tried to have one */
  | { type: "reconnecting"; time_s: number; reason: string; wait_s: number }
  | { type: "reconnected"; time_s: number }
  | { type: "sent"; start_s: number; end_s: number; late?: boolean };

/** How far an utterance has come: this side has cut it, it is on its way, the server works on it. */
export type Stage = "cut" | "sent" | "committed";

/** An utterance without its final text. */
export interface Waiting {
  /** the server's name for it, once it has taken it */
  item_id: string | null;
  start_s: number;
  end_s: number;
  stage: Stage;
  /** for how long the server has had it */
  waited_s: number;
}

/** All that an unfinished utterance says so far; an empty text takes it back. */
interface PartialEvent {
  type: "partial";
  item_id: string;
  start_s: number;
  text: string;
  /** so many characters (UTF-16 units) at its start will not change; absent where the server does not say */
  stable?: number;
}

/** What happens in a compared session; `run` is its name. */
export type RunEvent = (PartialEvent | FinalEvent | WarningEvent) & { run: string };

export type Unsure = readonly [from: number, to: number, percent: number];

/** Utterances as the transcript has them. */
export interface Segment {
  item_id: string;
  start_s: number;
  end_s: number;
  text: string;
  language: string | null;
  /** words that the engine is not sure of: from and to in the text, and its per cent */
  unsure?: readonly Unsure[];
  /** from the end of speech to the text */
  latency_s: number | null;
  /** of that, until the end was sure, and until the server had it; absent where that is not known */
  cut_s?: number;
  taken_s?: number;
}

export type FinalEvent = { type: "final" } & Segment;

/** Something to know while the session goes on; there may be words for its `kind`. */
export interface WarningEvent {
  type: "warning";
  time_s: number;
  kind: string;
  text: string;
}

/** A named moment; said again with the same `id`, it was renamed. */
export interface Mark {
  id: number;
  time_s: number;
  name: string;
}

export interface FramesHeader {
  type: "frames";
  /** whose scores these are */
  detector: string;
  first_column: number;
  column_s: number;
  columns: number;
  /** counted from the start of the session */
  first_frame: number;
  frame_s: number;
  frames: number;
  clock_s: number;
  level_db: number;
  peak_db: number;
  clipped: boolean;
}

/** What a page needs that comes (back) while a session is there. */
export interface Snapshot {
  type: "snapshot";
  clock_s: number;
  segments: Segment[];
  marks: Mark[];
  /** what the lanes show, and unfinished texts */
  events: SessionEvent[];
  /** the texts of compared sessions, by name */
  runs: Record<string, Segment[]>;
  /** Which page captures, where audio comes from a page: null when none does although one should. */
  capturing: string | null;
}

export interface CaptureOrder {
  type: "capture";
  action: "start" | "pause" | "stop";
  capture_id: number;
  /** Which page should capture, where several show the same notebook; absent: every page. */
  client_id?: string;
}

/** Why a page may not ask the server itself. */
export type Blocked = "cors" | "mixed_content" | "unreachable";
export type PeerErrorKind = "ice" | "refused" | "unsupported" | "microphone" | "other";

/** What the kernel wants of the page's own connection with the server. Numbered by `seq` from 0 within a link. */
export type PeerOrder = {
  type: "peer";
  link_id: number;
  seq: number;
  client_id?: string;
} /** `url` is where the page asks; null: a key is needed, so the kernel asks */ & (
  | { action: "open"; url: string | null }
  | { action: "answer"; sdp: string }
  | { action: "send"; messages: string[] }
  /** sent only if it has been quiet since the kernel heard silence, at `heard_s` on the capture's clock */
  | { action: "clear"; message: string; heard_s: number }
  /** answered at once: what the page said before has arrived then, too */
  | { action: "echo" }
  | { action: "close" }
);

/** What becomes of it, numbered in the same way. */
export type PeerNews =
  /** the microphone is there; the connection is being opened */
  | { news: "opening" }
  /** the kernel is to get the answer: the server wants a key, or the page may not ask (`blocked`) */
  | { news: "offer"; sdp: string; blocked?: Blocked; origin: string }
  /** the server hears what is captured from `from_s` on, on the capture's clock */
  | { news: "open"; from_s: number }
  /** raw messages of the data channel, in order */
  | { news: "messages"; messages: string[] }
  /** the microphone paused or ended: so much silence follows, and then nothing */
  | { news: "silent"; seconds: number }
  | { news: "cleared"; done: boolean; at_s: number }
  | { news: "echo" }
  | { news: "failed"; kind: PeerErrorKind; detail: string; status: number }
  | { news: "closed"; detail: string };

export interface Reply {
  type: "reply";
  id: number;
  error: Failure | null;
  data: Record<string, unknown>;
}

export type FromKernel =
  | Snapshot
  | CaptureOrder
  | PeerOrder
  | FramesHeader
  /** sent_s: on the kernel's clock, see `painted` */
  | { type: "events"; sent_s: number; events: (SessionEvent | RunEvent)[] }
  | { type: "reset" }
  /** how much of a file is read */
  | { type: "opening"; share: number }
  | Reply;

export type CommandName =
  | "start"
  | "pause"
  | "resume"
  | "stop"
  | "set_source"
  | "stop_opening"
  | "set_pace"
  | "list_takes"
  | "show_take"
  | "rename_take"
  | "remove_take"
  | "restore_take"
  | "compare_takes"
  | "set_detector"
  | "set_model"
  | "set_language"
  | "set_turn_detection"
  | "set_server"
  | "check_server"
  | "list_devices"
  | "list_models"
  | "download_model"
  | "load_model"
  | "get_model"
  | "stop_download"
  | "open_recording"
  | "dismiss_recording"
  | "retry_recording"
  | "resume_capture"
  | "reconnect"
  | "mark"
  | "export"
  | "window"
  | "audio";

/** What a page says; `Name` is what its widget may be asked to do. */
export type ToKernel<Name extends string = CommandName> =
  | { type: "hello"; client_id: string }
  | { type: "bye"; client_id: string }
  /** these final texts are on screen: ids of items by the name of their session, when the kernel sent the last of them,
   * and how long they have been in the page since */
  | { type: "painted"; items: Record<string, string[]>; sent_s: number; held_s: number }
  | {
      type: "audio";
      seq: number;
      first_frame: number;
      rate: number;
      capture_id: number;
    }
  | {
      type: "capture";
      state: "started" | "ended" | "failed";
      capture_id: number;
      error?: CaptureErrorKind;
      detail?: string;
      label?: string;
      rate?: number;
    }
  | ({ type: "peer"; link_id: number; seq: number; client_id: string } & PeerNews)
  | { type: "file"; file_id: string; name: string; size: number; offset: number }
  | { type: "command"; id: number; name: Name; args: Record<string, unknown>; client_id: string };
