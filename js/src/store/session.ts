import { batch, signal } from "@preact/signals-core";
import { Topic } from "../scope.ts";
import type { Frames } from "../wire/codec.ts";
import type {
  Mark,
  RunEvent,
  ServerTurnDetection,
  SessionEvent,
  Side,
  Snapshot,
  WarningEvent,
} from "../wire/messages.ts";
import { Drawing } from "./drawing.ts";
import { Lane, SegmentLane } from "./lane.ts";
import { Lines, Runs } from "./lines.ts";

export const LATE = 1; // flag of a sent span: it was kept and sent late

/** Everything from `from_s` on looks different. */
interface Change {
  from_s: number;
  /** lanes or rows changed, not only curves */
  lanes: boolean;
}

/** There is no connection: why, and when it is tried to have one (`performance.now()`). */
interface Loss {
  reason: string;
  next_ms: number;
}

export interface Level {
  level_db: number;
  peak_db: number;
  clipped: boolean;
}

/** What is known of the recording: shared by all views of a model, never written by them. */
export class SessionStore {
  readonly changed = new Topic<Change>();
  readonly warned = new Topic<WarningEvent>();
  /** A new recording begins: nothing is known any more. */
  readonly restarted = new Topic<void>();
  /** All that is known has come at once: of a take that is shown again, or for a page that comes late. */
  readonly restored = new Topic<void>();
  readonly drawing = new Drawing();
  readonly lines = new Lines();
  readonly runs = new Runs();
  /** Segments by whose opinion they are; the client's as they were found, by the lines of that time. */
  segments: Record<Side, SegmentLane> = { client: new SegmentLane(), server: new SegmentLane() };
  sent = new Lane();
  /** Seconds of audio that were sent late, as they had come late. */
  readonly late_s = signal(0);
  committed = new Lane();
  /** null while there is a connection */
  readonly loss = signal<Loss | null>(null);
  /** What was heard until then is sent late, as there was no connection; null if there always was one. */
  back_s: number | null = null;
  /** in the order of their ids, which is that of setting them */
  readonly marks = new Map<number, Mark>();
  /** By what the server said that it finds segments; null before it has said so. */
  readonly confirmed = signal<Partial<ServerTurnDetection> | null>(null);
  level: Level | null = null;
  #clock_s = 0;
  readonly #fresh = signal(true);

  get clock_s(): number {
    return this.#clock_s;
  }
  set clock_s(value: number) {
    this.#clock_s = value;
    this.#fresh.value = value === 0;
  }

  /** Nothing was recorded yet. */
  get fresh(): boolean {
    return this.#fresh.value;
  }

  reset(): void {
    batch(() => {
      this.drawing.clear();
      this.lines.clear();
      this.runs.clear();
      this.#clearLanes();
      this.marks.clear();
      this.confirmed.value = null;
      this.clock_s = 0;
      this.level = null;
    });
    this.restarted.emit();
  }

  #clearLanes(): void {
    this.segments = { client: new SegmentLane(), server: new SegmentLane() };
    this.sent = new Lane();
    this.late_s.value = 0;
    this.committed = new Lane();
    this.loss.value = null;
    this.back_s = null;
  }

  addFrames(frames: Frames): void {
    const { header } = frames;
    const from_s = Math.min(this.drawing.add(frames), this.clock_s);
    this.clock_s = Math.max(this.clock_s, header.clock_s);
    this.level = { level_db: header.level_db, peak_db: header.peak_db, clipped: header.clipped };
    this.changed.emit({ from_s, lanes: false });
  }

  addEvents(events: readonly (SessionEvent | RunEvent)[]): void {
    let from_s: number | null = null;
    batch(() => {
      for (const event of events) {
        if ("run" in event) this.runs.add(event);
        else from_s = Math.min(from_s ?? Number.POSITIVE_INFINITY, this.#add(event));
      }
    });
    if (from_s !== null) this.changed.emit({ from_s, lanes: true });
  }

  /** Replaces everything known by what the kernel knows; the drawing of the past is not in it. */
  restore({ clock_s, segments, marks, events, runs }: Snapshot): void {
    batch(() => {
      this.#clearLanes();
      this.lines.clear();
      for (const segment of segments) this.lines.final(segment);
      this.marks.clear();
      for (const mark of marks) this.marks.set(mark.id, mark);
      this.clock_s = Math.max(this.clock_s, clock_s);
      for (const event of events) this.#add(event);
      this.runs.restore(runs);
    });
    this.changed.emit({ from_s: 0, lanes: true });
    this.restored.emit();
  }

  /** How far behind the words are that are still to come of what was said without a connection, in seconds; 0: none. */
  get behind_s(): number {
    const { back_s } = this;
    if (back_s === null) return 0;
    const waits = this.lines.all.find(({ stage, start_s }) => stage && start_s < back_s);
    return waits ? this.clock_s - waits.start_s : 0;
  }

  /** Adds an event; returns the earliest second that it changes. */
  #add(event: SessionEvent): number {
    switch (event.type) {
      case "speech_started":
        this.segments[event.source].started(event.start_s);
        return event.start_s;
      case "speech_stopped":
        this.segments[event.source].stopped(event.start_s, event.end_s);
        return event.start_s;
      case "sent":
        this.sent.add(event.start_s, event.end_s, event.late ? LATE : 0);
        if (event.late) this.late_s.value += event.end_s - event.start_s;
        return event.start_s;
      case "committed":
        this.committed.add(event.start_s, event.end_s);
        return event.start_s;
      case "waiting":
        return this.lines.wait(event.utterances);
      case "reconnecting":
        this.loss.value = { reason: event.reason, next_ms: performance.now() + 1000 * event.wait_s };
        return event.time_s;
      case "reconnected":
        this.loss.value = null;
        this.back_s = event.time_s;
        return event.time_s;
      case "partial": {
        const { item_id, start_s, text, stable } = event;
        if (text === "") return this.lines.withdraw(item_id)?.start_s ?? Number.POSITIVE_INFINITY;
        this.lines.partial(item_id, start_s, this.clock_s, text, stable ?? -1);
        return start_s;
      }
      case "final":
        this.lines.final(event);
        return event.start_s;
      case "mark":
        this.marks.set(event.id, { id: event.id, time_s: event.time_s, name: event.name });
        return event.time_s;
      case "reconfigured":
        this.confirmed.value = event.turn_detection;
        return Number.POSITIVE_INFINITY;
      case "warning":
        this.#warn(event);
        return event.time_s;
      default:
        return Number.POSITIVE_INFINITY; // a newer kernel's event: nothing to draw
    }
  }

  /** Lost audio stands in the transcript, at the time at which it was lost. */
  #warn(warning: WarningEvent): void {
    const { kind, text, time_s } = warning;
    if (kind === "audio_lost") this.lines.gap(time_s, text, kind);
    else this.warned.emit(warning);
  }
}
