import { Emitter } from "../emitter.ts";
import type { ErrorKind } from "./store.ts";

export interface Stretch {
  start_s: number;
  end_s: number;
}

/** VIEW state of one view: where the playhead stands, and what is selected. */
export class Selection extends Emitter<{ change: undefined }> {
  head_s = 0;
  stretch: Stretch | null = null;
  /** region of the truth */
  region: number | null = null;
  /** the error that was stepped to */
  error: { kind: ErrorKind; index: number } | null = null;
  painting = true;
  loop = false;

  set(
    changes: Partial<Pick<Selection, "head_s" | "stretch" | "region" | "error" | "painting" | "loop">>,
  ): void {
    Object.assign(this, changes);
    this.emit("change", undefined);
  }
}
