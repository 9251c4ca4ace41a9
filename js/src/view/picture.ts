import type { App } from "../app.ts";
import type { Line } from "../store/lines.ts";
import type { Chips } from "./chip-elements.ts";
import { h } from "./dom.ts";
import type { Flags } from "./flags.ts";
import { Painter } from "./paint/painter.ts";
import { type Palette, readPalette } from "./paint/palette.ts";
import { ticksOf } from "./paint/ruler.ts";
import type { Axis, Layout } from "./paint/scene.ts";
import type { Recutting } from "./recutting.ts";
import type { Selecting } from "./selecting.ts";
import type { Tracks } from "./tracks.ts";
import type { Viewport } from "./viewport.ts";

/** What a picture shows beside the session. */
export interface Shown {
  chips: Chips;
  flags: Flags;
  recutting: Recutting;
  selecting: Selecting;
}

/** The canvas over all tracks: where they are, their colours, and what of it has to be painted anew. */
export class Picture {
  readonly canvas = h("canvas", { class: "sp-canvas", role: "img" });
  readonly #painter = new Painter(this.canvas);
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #tracks: Tracks;
  readonly #shown: Shown;
  #palette: Palette | null = null;
  #layout: Layout | null = null;
  #stale_s = Number.NEGATIVE_INFINITY;

  constructor(app: App, viewport: Viewport, tracks: Tracks, shown: Shown) {
    this.#app = app;
    this.#viewport = viewport;
    this.#tracks = tracks;
    this.#shown = shown;
  }

  /** From this second to the live edge it looks different from what is painted; Infinity: nowhere. */
  get stale_s(): number {
    return this.#stale_s;
  }

  /** It will look different from a second on; -Infinity: everywhere. */
  spoil(from_s: number): void {
    this.#stale_s = Math.min(this.#stale_s, from_s);
  }

  /** The rows may have other places. */
  resized(): void {
    this.#layout = null;
  }

  /** The colours may be others. */
  themed(): void {
    this.#palette = null;
  }

  get layout(): Layout {
    if (this.#layout) return this.#layout;
    const measured = this.#tracks.layout(this.canvas, globalThis.devicePixelRatio || 1);
    // A host that changes its theme hides everything for a moment: what has no size now is measured again.
    if (measured.width <= 0 || measured.height <= 0) return measured;
    this.canvas.style.height = `${measured.height}px`;
    this.#layout = measured;
    return measured;
  }

  get palette(): Palette {
    this.#palette ??= readPalette(this.canvas.parentElement ?? this.canvas);
    return this.#palette;
  }

  /** `avoid_x`: where a playhead has its flag; `rebuild`: there may be other rows of text. */
  paint(axis: Axis, edge_s: number, avoid_x: number | null, rebuild: boolean): void {
    const { session, phase, windows } = this.#app;
    const { start_s, span_s, end_s, selected } = this.#viewport;
    const { chips, flags, recutting, selecting } = this.#shown;
    const { layout } = this;
    const recording = phase === "live";
    const reach_s = recording ? Number.POSITIVE_INFINITY : edge_s;
    const wanted = (line: Line) => this.#painter.wantedPx(line, this.palette);
    chips.choose(axis, edge_s, { selected, reach_s, wanted }, rebuild);
    windows.look(this, start_s, end_s, span_s / (layout.width * layout.ratio));
    this.#painter.paint(
      {
        axis,
        layout,
        palette: this.palette,
        session,
        detector: flags.detector,
        client: recutting.lane,
        speech: recutting.speech,
        before: recutting.before,
        edge_s,
        recording,
        ticks: ticksOf(start_s, span_s, layout.width),
        selection: selecting.stretch,
        chips: { shown: chips.shown, selected },
        avoid_x,
        fresh: session.fresh,
      },
      this.#stale_s,
    );
    this.#stale_s = Number.POSITIVE_INFINITY;
  }
}
