import { Emitter } from "../emitter.ts";
import type { Failure } from "../wire/messages.ts";

export type CaptureState = "closed" | "asking" | "open" | "paused";

/** One word for what is going on; the whole view follows from it. */
export type Phase = "idle" | "asking" | "connecting" | "live" | "paused" | "stopping" | "stopped" | "failed";

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
  /** When the oldest unanswered command was sent; null when none waits. */
  #waiting_since_ms: number | null = null;

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

  get waiting_since_ms(): number | null {
    return this.#waiting_since_ms;
  }
  set waiting_since_ms(value: number | null) {
    this.#waiting_since_ms = value;
    this.emit("change", undefined);
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
