import { Emitter } from "../emitter.ts";
import type { Unit } from "../wire/messages.ts";

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
  /** the server cuts: letting go asks it */
  server: boolean;
}

/** PAGE state while a line is moved; nothing of it is sent before it is let go. */
export class Preview extends Emitter<{ change: undefined }> {
  #move: Move | null = null;

  get move(): Move | null {
    return this.#move;
  }
  set move(value: Move | null) {
    if (value === this.#move) return;
    this.#move = value;
    this.emit("change", undefined);
  }
}
