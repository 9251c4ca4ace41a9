import type { Layout } from "./paint/scene.ts";
import type { Viewport } from "./viewport.ts";

const LAG_S = 0.08; // messages come every 40 ms and bunch at twice that: this much behind, the edge never stutters
const FRESH_S = 0.15;
const AVOID_PX = 4; // so far a playhead moves until the labels of the ruler are looked at again
const CLOCK_LATE = 0.5; // of a tenth: so long the clock waits for a frame that is painted anyway

/** The moment shown as "now": glides at the speed of time between messages, never ahead of the data. */
export class LiveEdge {
  #edge_s = 0;
  #last_ms: number | null = null;

  get value(): number {
    return this.#edge_s;
  }

  /** Moves to display time `now_ms`; returns whether there is more to come. */
  advance(now_ms: number, clock_s: number, running: boolean, steps: boolean): boolean {
    const elapsed_s = this.#last_ms === null ? 0 : (now_ms - this.#last_ms) / 1000;
    this.#last_ms = now_ms;
    const target = running ? Math.max(0, clock_s - LAG_S / 2) : clock_s;
    if (clock_s < this.#edge_s) this.#edge_s = clock_s;
    else if (!running || target - this.#edge_s > 0.5) this.#edge_s = target;
    else this.#edge_s = Math.min(clock_s, Math.max(this.#edge_s, this.#glide(elapsed_s, target)));
    if (steps && running) this.#edge_s = Math.floor(clock_s);
    return running && !steps && this.#edge_s < clock_s;
  }

  /** The pace is corrected softly towards the target, so that bunched messages do not show. */
  #glide(elapsed_s: number, target: number): number {
    const due = this.#edge_s + elapsed_s;
    return due + (target - due) * Math.min(1, elapsed_s * 4);
  }

  /** After a pause in drawing the next step starts from here. */
  rest(): void {
    this.#last_ms = null;
  }
}

/** Whether a new frame would differ from the last one: the edge is on another pixel, or its clock shows another tenth. */
export class FrameChange {
  #edge_px = -1;
  #tenth = -1;
  #start_s = -1;
  #span_s = -1;
  #follow = true;
  #avoid_px = -1;

  /** `stale_from_s`: what is drawn from there on has changed; `avoid_x`: where the ruler makes room for another flag.
   * A frame that differs counts as painted.
   */
  differs(
    { width, ratio }: Layout,
    edge_s: number,
    { start_s, span_s, follow }: Viewport,
    live: boolean,
    stale_from_s: number,
    avoid_x: number | null,
  ): boolean {
    const avoid_px = avoid_x === null ? -1 : Math.round(avoid_x / AVOID_PX);
    const edge_px = Math.floor((edge_s * width * ratio) / span_s);
    const tenth = Math.floor(edge_s * 10);
    const ticked = tenth === this.#tenth || (live && edge_s * 10 - tenth < CLOCK_LATE);
    const same =
      edge_px === this.#edge_px &&
      ticked &&
      (follow || start_s === this.#start_s) &&
      follow === this.#follow &&
      avoid_px === this.#avoid_px &&
      span_s === this.#span_s;
    // what is new at the live edge waits for the next pixel: it comes within a tenth of a second
    if (same && stale_from_s >= edge_s - (live ? FRESH_S : 0)) return false;
    this.#edge_px = edge_px;
    this.#tenth = tenth;
    this.#start_s = start_s;
    this.#span_s = span_s;
    this.#follow = follow;
    this.#avoid_px = avoid_px;
    return true;
  }
}
