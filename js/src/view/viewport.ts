import { signal } from "@preact/signals-core";

/** A part of the session. */
export interface Stretch {
  readonly start_s: number;
  readonly end_s: number;
}

const SPANS_S = [3, 6, 12, 24, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800];
const LEAD = 0.9; // where the live edge stands when the view follows it; a complete recording ends at 1

/** VIEW state: which part of the session one view shows, and what is selected in it. */
export class Viewport {
  /** Rises when the window is moved or zoomed by hand; following the live edge does not count. */
  readonly moves = signal(0);
  #start_s = 0;
  #span_s: number;
  #follow: boolean;
  #edge_s = 0;
  readonly #selection = signal<{ key: string | null; stretch: Stretch | null }>({ key: null, stretch: null });
  #lead: number;
  /** How the window was before it was fitted to a recording that had ended. */
  #live: { span_s: number; lead: number } | null = null;

  constructor(span_s = 24, lead = LEAD) {
    this.#span_s = span_s;
    this.#lead = lead;
    this.#follow = lead < 1; // what is complete does not go on
  }

  get start_s(): number {
    return this.#start_s;
  }
  get span_s(): number {
    return this.#span_s;
  }
  get end_s(): number {
    return this.#start_s + this.#span_s;
  }
  get follow(): boolean {
    return this.#follow;
  }
  get selected(): string | null {
    return this.#selection.value.key;
  }

  /** What was drawn over by hand; a selected row covers its own time. */
  get stretch(): Stretch | null {
    return this.#selection.value.stretch;
  }

  /** How far the window's live position is behind the edge. */
  get behind_s(): number {
    return this.#follow ? 0 : Math.max(0, this.#latest() - this.#start_s);
  }

  /** The live edge moved; a following window moves with it, without a notification: it is asked every frame. */
  moveEdge(edge_s: number): void {
    this.#edge_s = edge_s;
    if (this.#follow) this.#start_s = this.#latest();
  }

  /** Looks into the past: Follow goes off and stays off until asked for. Returns whether anything moved. */
  pan(seconds: number): boolean {
    return this.show(this.#start_s + seconds);
  }

  show(start_s: number): boolean {
    const there = Math.min(Math.max(0, start_s), this.#latest());
    if (there === this.#start_s) return false;
    this.#start_s = there;
    this.#follow = false;
    this.moves.value++;
    return true;
  }

  /** Brings a moment into view, if it is not. */
  reveal(from_s: number, to_s: number): void {
    if (from_s < this.start_s || to_s > this.end_s) this.show((from_s + to_s - this.span_s) / 2);
  }

  goLive(): void {
    this.#follow = true;
    this.#start_s = this.#latest();
    this.moves.value++;
  }

  /** The next length of the window, shorter or longer, around the live edge or the middle. */
  step(direction: "in" | "out"): void {
    const next =
      direction === "in"
        ? SPANS_S.findLast((span) => span < this.#span_s - 0.01)
        : SPANS_S.find((span) => span > this.#span_s + 0.01);
    if (next) this.zoom(next, this.#start_s + this.#span_s / 2);
  }

  /** Shows the whole session. */
  everything(): void {
    this.zoom(Math.max(SPANS_S[0] ?? 3, this.#edge_s / this.#lead), 0);
    this.goLive();
  }

  /** The recording has ended: the picture is all of it, for those who have not looked elsewhere. */
  fit(duration_s: number): void {
    if (!this.#follow || this.#live || duration_s <= 0) return;
    this.#live = { span_s: this.#span_s, lead: this.#lead };
    this.#follow = false;
    this.#lead = 1; // it does not go on
    this.#edge_s = duration_s;
    this.zoom(duration_s, 0);
    this.show(0);
  }

  /** Sets the length of the window; `around_s` keeps its place on screen, unless the view follows. */
  zoom(span_s: number, around_s: number): void {
    const longest = Math.max(SPANS_S.at(-1) ?? 28800, this.#edge_s / this.#lead);
    const next = Math.min(Math.max(span_s, SPANS_S[0] ?? 3), longest);
    const share = (around_s - this.#start_s) / this.#span_s;
    this.#span_s = next;
    const start_s = this.#follow ? this.#latest() : around_s - share * next;
    this.#start_s = Math.min(Math.max(0, start_s), this.#latest());
    this.moves.value++;
  }

  select(key: string | null, stretch: Stretch | null = null): void {
    if (key !== this.selected || stretch !== this.stretch) this.#selection.value = { key, stretch };
  }

  reset(): void {
    if (this.#live) ({ span_s: this.#span_s, lead: this.#lead } = this.#live);
    this.#live = null;
    this.#edge_s = 0;
    this.#start_s = 0;
    this.#follow = true;
    this.select(null);
    this.moves.value++;
  }

  #latest(): number {
    return Math.max(0, this.#edge_s - this.#lead * this.#span_s);
  }
}
