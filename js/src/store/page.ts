import { Emitter } from "../emitter.ts";
import type { CommandName, Failure, ModelJob } from "../wire/messages.ts";

export type CaptureState = "closed" | "asking" | "open" | "paused";

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

/** A command that was sent and not answered yet. */
export interface Waiting {
  name: CommandName;
  since_ms: number;
}

/** Lanes that can be switched off together. */
export type LaneGroup = "server" | "sent";

/** What became of the last job on a model that this page asked for. */
export interface ModelOutcome {
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

/** PAGE state: known to this browser only and shared by its views; the kernel never sees it. */
export class PageStore extends Emitter<{ change: undefined }> {
  #capture: CaptureState = "closed";
  #failure: Failure | null = null;
  #refusal: Failure | null = null;
  #devices: readonly Device[] = [];
  #waiting: readonly Waiting[] = [];
  #model_outcome: ModelOutcome | null = null;
  #kernel_gone = false;
  #orphaned = false;
  #hidden_lanes: ReadonlySet<LaneGroup> = new Set();

  get capture(): CaptureState {
    return this.#capture;
  }
  set capture(value: CaptureState) {
    this.#capture = value;
    this.emit("change", undefined);
  }

  /** What keeps this page from recording. */
  get failure(): Failure | null {
    return this.#failure;
  }
  set failure(value: Failure | null) {
    this.#failure = value;
    this.emit("change", undefined);
  }

  /** A command that was refused while everything else goes on; it is told in the status line. */
  get refusal(): Failure | null {
    return this.#refusal;
  }
  set refusal(value: Failure | null) {
    this.#refusal = value;
    this.emit("change", undefined);
  }

  get devices(): readonly Device[] {
    return this.#devices;
  }
  set devices(value: readonly Device[]) {
    this.#devices = value;
    this.emit("change", undefined);
  }

  /** Unanswered commands, the oldest first. */
  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }
  set waiting(value: readonly Waiting[]) {
    this.#waiting = value;
    this.emit("change", undefined);
  }

  get model_outcome(): ModelOutcome | null {
    return this.#model_outcome;
  }
  set model_outcome(value: ModelOutcome | null) {
    this.#model_outcome = value;
    this.emit("change", undefined);
  }

  /** The kernel that ran this widget has ended: nobody will answer any more. */
  get kernel_gone(): boolean {
    return this.#kernel_gone;
  }
  set kernel_gone(value: boolean) {
    this.#kernel_gone = value;
    this.emit("change", undefined);
  }

  /** The kernel records from a page that has gone (this one, before it was reloaded). */
  get orphaned(): boolean {
    return this.#orphaned;
  }
  set orphaned(value: boolean) {
    this.#orphaned = value;
    this.emit("change", undefined);
  }

  get hidden_lanes(): ReadonlySet<LaneGroup> {
    return this.#hidden_lanes;
  }
  toggleLanes(group: LaneGroup): void {
    const hidden = new Set(this.#hidden_lanes);
    if (!hidden.delete(group)) hidden.add(group);
    this.#hidden_lanes = hidden;
    this.emit("change", undefined);
  }

  /** Whether single keys act; remembered by the browser for all widgets. */
  get shortcuts(): boolean {
    return remembered(SHORTCUTS) !== "off";
  }
  set shortcuts(on: boolean) {
    remember(SHORTCUTS, on ? "on" : "off");
    this.emit("change", undefined);
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
      return "live";
    case "connecting":
    case "paused":
    case "stopping":
      return state;
    case "stopped":
      return failed ? "failed" : "stopped";
    case "failed":
      return "failed";
    default:
      return failed ? "failed" : "idle";
  }
}
