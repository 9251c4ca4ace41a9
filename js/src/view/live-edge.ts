const LAG_S = 0.08; // messages come every 40 ms and bunch at twice that: this much behind, the edge never stutters

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
