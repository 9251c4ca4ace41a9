import { signal } from "@preact/signals-core";
import type { Failure, ModelJob, TakeRow, Unit } from "../wire/messages.ts";

type CaptureState = "closed" | "asking" | "open" | "paused";

/** One word for what is going on; the whole view follows from it. */
export type Phase =
  | "idle"
  | "asking"
  | "connecting"
  | "live"
  | "paused"
  | "stopping"
  | "stopped"
  | "failed"
  | "gone";

/** Lanes that can be switched off together. */
type LaneGroup = "server" | "sent";

/** What became of the last job on a model that this page asked for. */
interface ModelOutcome {
  model: string;
  kind: ModelJob["kind"];
  failure: Failure | null;
  /** There was something to download. */
  downloaded: boolean;
}

export interface Device {
  id: string;
  label: string;
}

/** A line that is being moved, and what that would do to the past. */
export interface Move {
  line: "threshold" | "neg_threshold";
  unit: Unit;
  from: number;
  to: number;
  past_s: number;
  /** segments of the past, by the line where it was and where it is */
  before: number;
  after: number;
  /** the line is the server's: letting go asks it */
  server: boolean;
}

/** PAGE state: known to this browser only and shared by its views; the kernel never sees it. */
export class PageState {
  readonly capture = signal<CaptureState>("closed");
  /** What keeps this page from recording. */
  readonly failure = signal<Failure | null>(null);
  /** A command that was refused while everything else goes on; it stands in the status line. */
  readonly refusal = signal<Failure | null>(null);
  readonly devices = signal<readonly Device[]>([]);
  readonly model_outcome = signal<ModelOutcome | null>(null);
  /** The file that is on its way to the kernel, or is being read there. */
  readonly opening = signal<{ name: string; share: number | null } | null>(null);
  /** The take that was removed a moment ago, and can be put back. */
  readonly removed = signal<TakeRow | null>(null);
  /** The kernel records from a page that has gone (this one, before it was reloaded). */
  readonly orphaned = signal(false);
  readonly hidden_lanes = signal<ReadonlySet<LaneGroup>>(new Set());
  /** Nothing of it is sent before it is let go. */
  readonly move = signal<Move | null>(null);

  toggleLanes(group: LaneGroup): void {
    const hidden = new Set(this.hidden_lanes.value);
    if (!hidden.delete(group)) hidden.add(group);
    this.hidden_lanes.value = hidden;
  }

  /** Whether single keys act; remembered by the browser for all widgets. */
  get shortcuts(): boolean {
    return remembered(SHORTCUTS) !== "off";
  }
  set shortcuts(on: boolean) {
    remember(SHORTCUTS, on ? "on" : "off");
  }
}

const SHORTCUTS = "ipyspeaches.shortcuts";
const session_memory = new Map<string, string>(); // where storage is refused: sandboxed frames, private windows

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? session_memory.get(key) ?? null;
  } catch {
    return session_memory.get(key) ?? null;
  }
}

function remember(key: string, value: string): void {
  session_memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // remembered until the page goes
  }
}

/** The kernel's session state decides; the page adds what only it knows: that the browser asks for permission. */
export function phaseOf(state: string, capture: CaptureState, failed: boolean): Phase {
  if (capture === "asking") return "asking";
  switch (state) {
    case "listening":
    case "reconnecting": // what is said is kept
      return "live";
    case "connecting":
    case "paused":
    case "stopping":
      return state;
    case "stopped":
      return failed ? "failed" : "stopped";
    case "failed":
      return failed ? "failed" : "stopped"; // what kept it from recording was put right since
    default:
      return failed ? "failed" : "idle";
  }
}
