import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Line } from "../store/lines.ts";
import { h, setText } from "./dom.ts";
import { clock } from "./format.ts";
import type { Axis } from "./paint/scene.ts";
import type { Viewport } from "./viewport.ts";

const STILL_PX = 3; // less is a click: it lets go of the selection

/** Selects stretches and plays them: a row, a chip, or what is drawn over in the waveform. */
export class Selecting {
  /** the line that runs through all tracks while something plays */
  readonly playhead: HTMLElement;
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #flag = h("span", { class: "sp-now sp-num is-off" });

  constructor(app: App, viewport: Viewport) {
    this.#app = app;
    this.#viewport = viewport;
    this.playhead = h("div", { class: "sp-playhead", hidden: true, "aria-hidden": "true" }, this.#flag);
  }

  /** A row or a chip: selects and plays it; again: stops. */
  choose(line: Line): void {
    const { player, session } = this.#app;
    if (this.#viewport.selected === line.key) {
      this.clear();
      return;
    }
    const end_s = line.kind === "partial" ? session.clock_s : line.end_s;
    this.#viewport.select(line.key);
    this.#viewport.reveal(line.start_s, end_s);
    void player.play(line.start_s, end_s);
  }

  clear(): void {
    this.#app.player.stop();
    this.#viewport.select(null);
  }

  /** Plays what is selected, or stops: for a key. Returns whether there was anything to do. */
  toggle(): boolean {
    const { player } = this.#app;
    const stretch = this.stretch;
    if (player.playing) player.stop();
    else if (stretch) void player.play(stretch.start_s, stretch.end_s);
    else return false;
    return true;
  }

  /** What the band covers. */
  get stretch(): { start_s: number; end_s: number } | null {
    const { selected, stretch } = this.#viewport;
    if (stretch) return stretch;
    const line = selected === null ? undefined : this.#app.session.lines.get(selected);
    return line ? { start_s: line.start_s, end_s: Math.max(line.end_s, line.start_s) } : null;
  }

  /** Drawing over the waveform; the row that it covers most is selected with it. */
  byPointer(plot: HTMLElement, axis: () => Axis | null, scope: Scope): void {
    let held: { time_s: number; left: number; x: number; moved: boolean } | null = null;
    scope.listen<PointerEvent>(plot, "pointerdown", (event) => {
      const now = axis();
      if (!now || event.button !== 0 || !event.isPrimary) return;
      const { left } = plot.getBoundingClientRect();
      held = { time_s: now.time(event.clientX - left), left, x: event.clientX, moved: false };
      plot.setPointerCapture(event.pointerId);
    });
    scope.listen<PointerEvent>(plot, "pointermove", (event) => {
      const now = axis();
      if (!held || !now || (!held.moved && Math.abs(event.clientX - held.x) < STILL_PX)) return;
      held.moved = true;
      const { time_s } = held;
      this.#draw(time_s, now.time(event.clientX - held.left));
    });
    scope.listen<PointerEvent>(plot, "pointerup", () => {
      const was = held;
      held = null;
      if (!was) return;
      const { stretch } = this.#viewport;
      if (!was.moved) this.clear();
      else if (stretch) void this.#app.player.play(stretch.start_s, stretch.end_s);
    });
    scope.listen(plot, "pointercancel", () => {
      held = null;
    });
  }

  /** Where the playhead is; null: nowhere to be seen. */
  x(axis: Axis): number | null {
    const { position_s } = this.#app.player;
    const x = position_s === null ? -1 : axis.x(position_s);
    return x < 0 || x > axis.width ? null : x;
  }

  /** Called every frame; returns whether it moves on. */
  place(axis: Axis): boolean {
    const { position_s } = this.#app.player;
    const x = this.x(axis);
    if ((x === null) !== this.playhead.hidden) this.playhead.hidden = x === null;
    if (position_s === null) return false;
    if (x === null) return true;
    this.playhead.style.transform = `translateX(${x.toFixed(1)}px)`;
    setText(this.#flag, clock(position_s));
    return true;
  }

  #draw(a_s: number, b_s: number): void {
    const { session } = this.#app;
    const start_s = Math.max(0, Math.min(a_s, b_s));
    const end_s = Math.min(session.clock_s, Math.max(a_s, b_s));
    if (end_s <= start_s) return;
    let best: Line | null = null;
    let most_s = 0;
    for (const line of session.lines.all) {
      const shared_s = Math.min(end_s, line.end_s) - Math.max(start_s, line.start_s);
      if (line.kind !== "gap" && shared_s > most_s) [best, most_s] = [line, shared_s];
    }
    this.#viewport.select(best?.key ?? null, { start_s, end_s });
  }
}
