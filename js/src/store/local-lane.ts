import type { Detector } from "../wire/messages.ts";
import { Recut } from "./recut.ts";
import type { SessionStore } from "./session.ts";

/** Stretches of speech, whoever found them. */
export interface Speech {
  visit(
    from_s: number,
    to_s: number,
    now_s: number,
    visitor: (start_s: number, end_s: number, open: boolean) => void,
  ): void;
}

/** Our own cuts: the past as the lines stand now. Where the running detector did not listen, what was found then. */
export class LocalLane implements Speech {
  readonly #session: SessionStore;
  readonly #recut = new Recut();

  constructor(session: SessionStore) {
    this.#session = session;
  }

  get count(): number {
    return this.#recut.count;
  }

  /** Follows scores and options; returns the earliest second that looks different. */
  update(detector: Detector): number {
    return this.#recut.update(this.#session.signals.track(detector.name), detector);
  }

  visit(
    from_s: number,
    to_s: number,
    now_s: number,
    visitor: (start_s: number, end_s: number, open: boolean) => void,
  ): void {
    this.#session.local.visit(from_s, to_s, now_s, (start_s, end_s, open) => {
      if (!this.#recut.covers((start_s + end_s) / 2) && !(open && this.#recut.covers(start_s)))
        visitor(start_s, end_s, open);
    });
    this.#recut.visit(from_s, to_s, now_s, visitor);
  }
}
