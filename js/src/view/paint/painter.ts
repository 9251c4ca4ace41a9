import type { Line } from "../../store/lines.ts";
import { fitCanvas } from "../time-rows.ts";
import { paintChips, ROWS, refitted, wantedPx } from "./chips.ts";
import { paintLanes, paintLocal, slitsOf } from "./lanes.ts";
import type { Palette } from "./palette.ts";
import { paintRuler, rulerNews } from "./ruler.ts";
import { type Axis, type Chip, type Scene, type Strip, vertical } from "./scene.ts";
import { paintScore } from "./score.ts";
import { paintWave } from "./wave.ts";
import { Wrapping } from "./wrapping.ts";

const EDGE_PX = 8; // what the live edge and its joints cover to the left
const TICK_PX = 14; // a committed stretch has its tick behind it
const JOINT_PX = 3;
const MARK_DASH = [2, 3];

/** Paints the time view, and as little of it as possible.
 *
 * While nothing but time has passed, and while the window is moved, the picture is moved by whole device pixels and
 * only what comes into view is painted: measured, a fifth of the cost of painting everything sixty times a second.
 */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D | null;
  readonly #wrapping = new Wrapping(ROWS);
  #chips: readonly Chip[] = [];
  #painted: Axis | null = null;
  #edge_s = 0;
  #avoid_x: number | null = null;
  #slits_s = Number.POSITIVE_INFINITY; // where the picture has the slits of open speech
  #key = "";

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    // not through the page's own frames: measured, half of what the bare canvas costs the main thread
    this.#context = canvas.getContext("2d", { desynchronized: true });
  }

  /** How wide the words of a row want to be in the text lane. */
  wantedPx(line: Line, palette: Palette): number {
    return this.#context ? wantedPx(line, this.#wrapping, this.#context, palette) : 0;
  }

  /** `dirty_s`: everything from that second to the live edge looks different; -Infinity: everything. */
  paint(given: Omit<Scene, "context">, dirty_s: number): void {
    const { axis, layout, edge_s } = given;
    const context = this.#context;
    if (!context) return;
    const scene: Scene = { ...given, context };
    const key = `${given.recording} ${given.fresh}`;
    const { width, height, ratio } = layout;
    const survived = fitCanvas(this.#canvas, width, height, ratio) && key === this.#key;
    this.#key = key;
    const parts = this.#parts(axis, survived ? dirty_s : Number.NEGATIVE_INFINITY, edge_s);
    for (const part of parts) {
      if (part.x1 > part.x0) this.#strip(scene, part);
    }
    this.#moveSlits(scene);
    this.#refit(scene);
    const whole = parts.some(({ x0, x1 }) => x0 === 0 && x1 === axis.width);
    this.#ruler(scene, whole || scene.avoid_x !== this.#avoid_x);
    this.#painted = axis;
    this.#avoid_x = scene.avoid_x;
    this.#edge_s = edge_s;
  }

  /** The words of one chip decide how much room others have. */
  #refit(scene: Scene): void {
    const others = scene.chips.shown !== this.#chips;
    this.#chips = scene.chips.shown;
    const parts = others ? [{ x0: 0, x1: scene.axis.width }] : refitted(scene);
    for (const { x0, x1 } of parts) this.#strip(scene, { ...within(x0, x1, scene.axis), row: "text" });
  }

  /** Moves what is painted to where it now belongs; returns the parts to paint. */
  #parts(axis: Axis, dirty_s: number, edge_s: number): Strip[] {
    const { width, ratio } = axis;
    const whole = [{ x0: 0, x1: width }];
    const before = this.#painted;
    if (!before || before.px_per_s !== axis.px_per_s || before.ratio !== ratio) return whole;
    const shift = axis.origin - before.origin;
    const from = Math.min(axis.x(dirty_s), axis.x(this.#edge_s)) - EDGE_PX;
    if (from <= 0 && dirty_s < 0) return whole;
    if (Math.abs(shift) > (this.#canvas.width * 2) / 3) return whole;
    if (shift !== 0) this.#move(-shift);
    const exposed = Math.abs(shift) / ratio + (shift === 0 ? 0 : JOINT_PX);
    const uncovered = shift < 0 ? within(0, exposed, axis) : within(width - exposed, width, axis);
    const moved = dirty_s !== Number.POSITIVE_INFINITY || edge_s !== this.#edge_s;
    if (!moved) return [uncovered];
    const news = within(from, axis.x(Math.max(edge_s, this.#edge_s)) + TICK_PX, axis);
    if (news.x1 < uncovered.x0 || uncovered.x1 < news.x0 || uncovered.x1 === uncovered.x0)
      return [news, uncovered];
    return [{ x0: Math.min(news.x0, uncovered.x0), x1: Math.max(news.x1, uncovered.x1) }];
  }

  #ruler(scene: Scene, whole: boolean): void {
    const { axis, layout, edge_s } = scene;
    const flag = scene.fresh ? null : { time_s: edge_s, live: scene.recording };
    const ruler = { ...scene, ruler: layout.ruler, flag };
    if (whole) {
      paintRuler(ruler);
      return;
    }
    const [from_s, to_s] = [Math.min(edge_s, this.#edge_s), Math.max(edge_s, this.#edge_s)];
    for (const { x0, x1 } of rulerNews(axis, from_s, to_s)) {
      const part = within(x0, x1, axis);
      if (part.x1 > part.x0) paintRuler(ruler, part);
    }
  }

  /** The end of open speech wanders with its slits: neither the bar behind them nor a closed one keeps them. */
  #moveSlits(scene: Scene): void {
    const { axis, edge_s } = scene;
    const slits_s = slitsOf(scene) ?? Number.POSITIVE_INFINITY;
    const from_s = Math.min(this.#slits_s, slits_s);
    this.#slits_s = slits_s;
    if (from_s === Number.POSITIVE_INFINITY || !scene.layout.local) return;
    const part = within(axis.x(from_s), axis.x(edge_s) + 1, axis);
    if (part.x1 > part.x0) this.#strip(scene, { ...part, row: "local" });
  }

  #move(by: number): void {
    const context = this.#context as CanvasRenderingContext2D;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "copy";
    context.drawImage(this.#canvas, by, 0);
    context.globalCompositeOperation = "source-over";
  }

  #strip(scene: Scene, part: Strip): void {
    const { context, layout, axis, palette } = scene;
    const bottom = layout.height;
    const top = layout.ruler.y + layout.ruler.h;
    const box = part.row ? layout[part.row] : { y: top, h: bottom - top };
    if (!box) return; // a row that is not shown
    context.setTransform(layout.ratio, 0, 0, layout.ratio, 0, 0);
    context.save();
    context.beginPath();
    context.rect(part.x0, box.y, part.x1 - part.x0, box.h);
    context.clip();
    context.clearRect(part.x0, box.y, part.x1 - part.x0, box.h);
    for (const tick of scene.ticks) {
      const x = Math.round(axis.x(tick)) + 0.5;
      if (x >= part.x0 - 1 && x <= part.x1 + 1) vertical(context, x, top, bottom, palette.grid, 1);
    }
    paintSelection(scene, top, bottom);
    if (!part.row) {
      paintWave(scene, part);
      paintScore(scene, part);
      paintLanes(scene, part);
    }
    if (part.row === "local") paintLocal(scene, part);
    else paintChips(scene, part, this.#wrapping);
    paintMarks(scene, part, top, bottom);
    if (!scene.fresh) {
      const x = Math.round(axis.x(scene.edge_s)) + 0.5;
      vertical(context, x, top, bottom, scene.recording ? palette.recording : palette.tick, 1.5);
    }
    context.restore();
  }
}

/** On whole device pixels, inside the picture. */
function within(x0: number, x1: number, { width, ratio }: Axis): Strip {
  const a = Math.floor(Math.max(0, Math.min(width, x0)) * ratio) / ratio;
  const b = Math.ceil(Math.max(0, Math.min(width, x1)) * ratio) / ratio;
  return { x0: a, x1: Math.max(a, Math.min(b, width)) };
}

function paintSelection({ context, axis, palette, selection }: Scene, top: number, bottom: number): void {
  if (!selection) return;
  const x = axis.x(selection.start_s);
  context.fillStyle = palette.selection;
  context.fillRect(x, top, axis.x(selection.end_s) - x, bottom - top);
}

function paintMarks(
  { context, axis, palette, session }: Scene,
  part: Strip,
  top: number,
  bottom: number,
): void {
  for (const { time_s } of session.marks.values()) {
    const x = Math.round(axis.x(time_s)) + 0.5;
    if (x < part.x0 - 1 || x > part.x1 + 1) continue;
    context.setLineDash(MARK_DASH);
    vertical(context, x, top, bottom, palette.mark, 1.25);
    context.setLineDash([]);
  }
}
