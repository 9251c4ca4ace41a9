import type { App } from "../app.ts";
import { endOf, type Line } from "../store/lines.ts";
import { h, setText } from "./dom.ts";
import { clock } from "./format.ts";
import type { Strokes } from "./gestures.ts";
import type { Axis } from "./paint/scene.ts";
import type { Viewport } from "./viewport.ts";

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

  /** A row or a chip: selects and plays it; while it plays: stops. */
  choose(line: Line): void {
    const { player, session } = this.#app;
    if (this.#viewport.selected === line.key && player.playing) {
      player.stop();
      return;
    }
    const end_s = endOf(line, session.clock_s);
    this.#viewport.select(line.key);
    this.#viewport.reveal(line.start_s, end_s);
    void player.play(line.start_s, end_s);
  }

  clear(): void {
    this.#app.player.stop();
    this.#viewport.select(null);
  }

  /** What the band covers. */
  get stretch(): { start_s: number; end_s: number } | null {
    const { selected, stretch } = this.#viewport;
    if (stretch) return stretch;
    const line = selected === null ? undefined : this.#app.session.lines.get(selected);
    return line ? { start_s: line.start_s, end_s: Math.max(line.end_s, line.start_s) } : null;
  }

  /** Drawing over the waveform selects, and the row that is covered most with it. */
  get strokes(): Strokes {
    return {
      draw: (from_s, to_s) => this.#draw(from_s, to_s),
      drop: () => this.#play(),
      click: () => this.clear(),
    };
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

  #play(): void {
    const { stretch } = this;
    if (stretch) void this.#app.player.play(stretch.start_s, stretch.end_s);
  }

  #draw(from_s: number, to_s: number): void {
    const { session } = this.#app;
    const start_s = Math.max(0, from_s);
    const end_s = Math.min(session.clock_s, to_s);
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
