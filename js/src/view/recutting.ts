import type { App } from "../app.ts";
import type { Speech } from "../store/lane.ts";
import { ClientLane } from "../store/recut.ts";
import type { Flags } from "./flags.ts";
import type { Scene } from "./paint/scene.ts";

const RECUT_S = 3600; // so much of a past that is not here yet is fetched when a line is grasped

/** The client's segments as the lines stand; while a line is moved also as they were, and what the move would do, in figures. */
export class Recutting {
  readonly #app: App;
  readonly #flags: Flags;
  readonly #now: ClientLane;
  readonly #then: ClientLane;

  constructor(app: App, flags: Flags) {
    this.#app = app;
    this.#flags = flags;
    this.#now = new ClientLane(app.session);
    this.#then = new ClientLane(app.session);
  }

  get lane(): Speech {
    return this.#now;
  }

  /** The segments that count for the reader. */
  get speech(): Speech {
    return this.#app.synced.side === "server" ? this.#app.session.segments.server : this.#now;
  }

  get before(): Scene["before"] {
    const { before } = this.#flags;
    return before && { threshold: before[this.#flags.line], speech: this.#then };
  }

  /** Follows scores and lines; returns the earliest second that looks different. */
  update(): number {
    const { detector, before, line } = this.#flags;
    const from_s = this.#now.update(detector);
    if (!before) {
      this.#app.page.move.value = null;
      return from_s;
    }
    const { windows, session } = this.#app;
    windows.want(this, 0, Math.max(0, session.clock_s - RECUT_S), session.clock_s);
    this.#then.update(before);
    const curves = session.drawing.curvesOf(detector.name);
    this.#app.page.move.value = {
      line,
      unit: detector.unit,
      from: before[line],
      to: detector[line],
      past_s: curves ? curves.scores.known * curves.frame_s : 0,
      before: this.#then.count,
      after: this.#now.count,
      server: this.#flags.server,
    };
    return from_s;
  }
}
