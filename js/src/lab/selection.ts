import { signal } from "@preact/signals-core";
import type { Stretch } from "../view/viewport.ts";
import type { ErrorKind } from "./store.ts";

interface Selected {
  head_s: number;
  stretch: Stretch | null;
  /** region of the truth */
  region: number | null;
  /** the error that was stepped to */
  error: { kind: ErrorKind; index: number } | null;
  painting: boolean;
  loop: boolean;
  /** what is painted goes to the edges of what is detected */
  snap: boolean;
}

/** VIEW state of one view: where the playhead stands, and what is selected. */
export class Selection {
  readonly #now = signal<Selected>({
    head_s: 0,
    stretch: null,
    region: null,
    error: null,
    painting: true,
    loop: false,
    snap: false,
  });

  get now(): Selected {
    return this.#now.value;
  }

  set(changes: Partial<Selected>): void {
    this.#now.value = { ...this.#now.value, ...changes };
  }
}
