import type { App } from "../app.ts";
import { LocalLane, type Speech } from "../store/local-lane.ts";
import type { Flags } from "./flags.ts";
import type { Scene } from "./paint/scene.ts";

const RECUT_S = 3600; // so much of a past that is not here yet is fetched when a line is taken

/** Our cuts as the lines stand; while a line is moved also as they were, and what the move would do, in figures. */
export class Recutting {
  readonly #app: App;
  readonly #flags: Flags;
  readonly #now: LocalLane;
  readonly #then: LocalLane;

  constructor(app: App, flags: Flags) {
    this.#app = app;
    this.#flags = flags;
    this.#now = new LocalLane(app.session);
    this.#then = new LocalLane(app.session);
  }

  get lane(): Speech {
    return this.#now;
  }

  /** The cuts that count for the reader: those of the side that cuts. */
  get speech(): Speech {
    return this.#app.synced.whose === "server" ? this.#app.session.server : this.#now;
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
      this.#app.preview.move = null;
      return from_s;
    }
    const { windows, session } = this.#app;
    windows.want(this, 0, Math.max(0, session.clock_s - RECUT_S), session.clock_s);
    this.#then.update(before);
    const track = session.signals.track(detector.name);
    this.#app.preview.move = {
      line,
      unit: detector.unit,
      from: before[line],
      to: detector[line],
      past_s: track ? track.scores.known * track.frame_s : 0,
      before: this.#then.count,
      after: this.#now.count,
      server: this.#flags.server,
    };
    return from_s;
  }
}
