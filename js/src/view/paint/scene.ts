import type { Speech } from "../../store/lane.ts";
import type { Line } from "../../store/lines.ts";
import type { SessionStore } from "../../store/session.ts";
import type { Detector } from "../../wire/messages.ts";
import type { Palette } from "./palette.ts";

export interface Box {
  y: number;
  h: number;
}

/** Where the tracks are inside the canvas, in CSS pixels; null: not shown at this width. */
export interface Layout {
  width: number;
  height: number;
  ratio: number;
  ruler: Box;
  wave: Box;
  score: Box;
  local: Box | null;
  server: Box | null;
  sent: Box | null;
  committed: Box | null;
  text: Box | null;
  /** room for the track's name inside the plot, in narrow views */
  named: number;
}

/** Time on the horizontal axis.
 *
 * Pixels are counted from the start of the session, so that a moment always falls on the same pixel column: scrolling
 * moves the picture by whole device pixels and nothing shimmers.
 */
export class Axis {
  readonly px_per_s: number;
  readonly ratio: number;
  /** Device pixels between the start of the session and the left edge. */
  readonly origin: number;
  readonly width: number;

  constructor(start_s: number, span_s: number, width: number, ratio: number) {
    this.width = width;
    this.ratio = ratio;
    this.px_per_s = width / span_s;
    this.origin = Math.round(start_s * this.px_per_s * ratio);
  }

  x(time_s: number): number {
    return time_s * this.px_per_s - this.origin / this.ratio;
  }

  time(x: number): number {
    return (x + this.origin / this.ratio) / this.px_per_s;
  }
}

/** A row of the transcript in the text lane. */
export interface Chip {
  line: Line;
  /** where the next one begins */
  until_s: number;
  /** what its words need */
  wanted_px: number;
}

export interface Scene {
  context: CanvasRenderingContext2D;
  axis: Axis;
  layout: Layout;
  palette: Palette;
  session: SessionStore;
  detector: Detector;
  /** the client's segments, as the lines stand */
  client: Speech;
  /** the segments that colour the waveform */
  speech: Speech;
  /** while a line is moved: where it was, and the client's segments by it */
  before: { threshold: number; speech: Speech } | null;
  /** nothing is drawn right of this moment */
  edge_s: number;
  recording: boolean;
  ticks: readonly number[];
  /** the text lane in and near the window: another list where any of it is another */
  chips: { shown: readonly Chip[]; selected: string | null };
  /** where something else than the live edge has its flag in the ruler */
  avoid_x: number | null;
  selection: { start_s: number; end_s: number } | null;
  /** an empty first run shows lessons and no axis line under them */
  fresh: boolean;
}

/** What a curve or a bar needs of a scene: other time views have other tracks. */
export type Surface = Pick<Scene, "context" | "axis" | "edge_s">;

/** What the waveform needs of a scene. */
export type WaveScene = Surface &
  Pick<Scene, "palette" | "session" | "speech"> & { layout: Pick<Layout, "wave" | "named"> };

/** The part of the picture to paint, in CSS pixels. */
export interface Strip {
  x0: number;
  x1: number;
  /** only this row of it */
  row?: "local" | "text";
}

export function horizontal(
  scene: Surface,
  strip: Strip,
  y: number,
  colour: string,
  width: number,
  dash: number[] = [],
): void {
  const { context } = scene;
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dash);
  // the dash hangs on the time axis: it scrolls with the picture
  context.lineDashOffset = scene.axis.origin / scene.axis.ratio + strip.x0;
  context.beginPath();
  context.moveTo(strip.x0, y);
  context.lineTo(strip.x1, y);
  context.stroke();
  context.restore();
}

export function vertical(
  context: CanvasRenderingContext2D,
  x: number,
  y0: number,
  y1: number,
  colour: string,
  width: number,
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x, y0);
  context.lineTo(x, y1);
  context.stroke();
}
