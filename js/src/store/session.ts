import { Emitter } from "../emitter.ts";
import type { Frames } from "../wire/codec.ts";
import type { RunEvent, ServerTurnDetection, SessionEvent, Snapshot } from "../wire/messages.ts";
import { type Line, Lines } from "./lines.ts";
import { Runs } from "./runs.ts";
import { Signals } from "./signals.ts";
import { Spans, SpeechLane } from "./spans.ts";

export const LATE = 1; // flag of a sent span: it was kept and sent late

// `type`, not `interface`: only a type alias fits an index signature
export type SessionTopics = {
  /** new drawing data; everything from `from_s` on looks different */
  frames: { from_s: number };
  /** lanes or rows changed from `from_s` on */
  events: { from_s: number };
  /** a row is new or has new text, or has gone (null) */
  line: Line | null;
  /** a compared session said something */
  runs: undefined;
  warning: { kind: string; text: string; time_s: number };
  reset: undefined;
};

/** A moment that someone named, or will. */
export interface Mark {
  id: number;
  time_s: number;
  name: string;
}

export interface Level {
  level_db: number;
  peak_db: number;
  clipped: boolean;
}

/** What the kernel told about the recording: shared by all views of a model, never written by them. */
export class SessionStore extends Emitter<SessionTopics> {
  readonly signals = new Signals();
  readonly lines = new Lines();
  readonly runs = new Runs();
  local = new SpeechLane();
  server = new SpeechLane();
  sent = new Spans();
  /** Seconds of sound that were sent late, as they had come late. */
  late_s = 0;
  committed = new Spans();
  /** in the order of their ids, which is that of setting them */
  readonly marks = new Map<number, Mark>();
  /** What the server said that it cuts by; null before it has said so. */
  confirmed: Partial<ServerTurnDetection> | null = null;
  clock_s = 0;
  level: Level | null = null;

  reset(): void {
    this.signals.clear();
    this.lines.clear();
    this.runs.clear();
    this.local = new SpeechLane();
    this.server = new SpeechLane();
    this.sent = new Spans();
    this.late_s = 0;
    this.committed = new Spans();
    this.marks.clear();
    this.confirmed = null;
    this.clock_s = 0;
    this.level = null;
    this.emit("reset", undefined);
  }

  addFrames(frames: Frames, detector: string): void {
    const { header } = frames;
    const from_s = Math.min(this.signals.add(frames, detector), this.clock_s);
    this.clock_s = Math.max(this.clock_s, header.clock_s);
    this.level = { level_db: header.level_db, peak_db: header.peak_db, clipped: header.clipped };
    this.emit("frames", { from_s });
  }

  /** `whose` is the side that cuts: speech events without a `source` are its opinion. */
  addEvents(events: readonly (SessionEvent | RunEvent)[], whose: "local" | "server"): void {
    let from_s = Number.POSITIVE_INFINITY;
    let others = 0;
    for (const event of events) {
      if ("run" in event) {
        this.runs.add(event);
        others += 1;
      } else from_s = Math.min(from_s, this.#add(event, whose));
    }
    if (others > 0) this.emit("runs", undefined);
    if (others === 0 || others < events.length) this.emit("events", { from_s });
  }

  /** Replaces everything known by what the kernel knows; the drawing of the past is not in it. */
  restore(snapshot: Snapshot, whose: "local" | "server"): void {
    this.lines.clear();
    for (const segment of snapshot.segments ?? []) this.lines.final(segment);
    this.marks.clear();
    for (const mark of snapshot.marks ?? []) this.marks.set(mark.id, mark);
    const { partial } = snapshot;
    if (partial) this.lines.partial(partial.item_id, partial.start_s, partial.start_s, partial.text);
    this.clock_s = Math.max(this.clock_s, snapshot.clock_s ?? 0);
    this.emit("line", null);
    this.runs.restore(snapshot.runs ?? {});
    this.emit("runs", undefined);
    this.addEvents(snapshot.events ?? [], whose);
    this.emit("events", { from_s: 0 });
  }

  /** Takes one event in; returns the earliest second that it changes. */
  #add(event: SessionEvent, whose: "local" | "server"): number {
    switch (event.type) {
      case "speech_started":
        this.#lane(event.source, whose).started(event.start_s);
        return event.start_s;
      case "speech_stopped":
        this.#lane(event.source, whose).stopped(event.start_s, event.end_s);
        return event.start_s;
      case "sent":
        this.sent.push(event.start_s, event.end_s, event.late ? LATE : 0);
        if (event.late) this.late_s += event.end_s - event.start_s;
        return event.start_s;
      case "committed":
        this.committed.push(event.start_s, event.end_s);
        return event.start_s;
      case "partial": {
        const { item_id, start_s, text, stable } = event;
        if (text === "") {
          const gone = this.lines.withdraw(item_id);
          if (gone) this.emit("line", null);
          return gone?.start_s ?? Number.POSITIVE_INFINITY;
        }
        const line = this.lines.partial(item_id, start_s, this.clock_s, text, stable ?? -1);
        if (line) this.emit("line", line);
        return start_s;
      }
      case "final":
        this.emit("line", this.lines.final(event));
        return event.start_s;
      case "mark":
        this.marks.set(event.id, { id: event.id, time_s: event.time_s, name: event.name });
        return event.time_s;
      case "reconfigured":
        this.confirmed = event.turn_detection;
        return Number.POSITIVE_INFINITY;
      case "warning":
        this.#warn(event);
        return event.time_s;
      default:
        return Number.POSITIVE_INFINITY; // a newer kernel's event: nothing to draw
    }
  }

  #lane(source: "client" | "server" | undefined, whose: "local" | "server"): SpeechLane {
    return (source ? source === "client" : whose === "local") ? this.local : this.server;
  }

  #warn({ kind, text, time_s }: Extract<SessionEvent, { type: "warning" }>): void {
    if (GAP_KINDS.has(kind)) this.emit("line", this.lines.gap(time_s, text, kind));
    else this.emit("warning", { kind, text, time_s });
  }
}

/** Warnings about sound that was lost, kept or replayed stand in the transcript at the time it happened. */
const GAP_KINDS = new Set(["gap", "lost", "audio_lost", "kept", "replayed", "reconnected"]);
