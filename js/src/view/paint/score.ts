import type { Curves } from "../../store/drawing.ts";
import type { Extremes, Pyramid } from "../../store/pyramid.ts";
import { energyShare, scaleOf } from "../scale.ts";
import { type Box, horizontal, type Scene, type Strip, type Surface } from "./scene.ts";

const MARGIN = 5;
const NAMED_MARGIN = 17; // narrow views write the track's name into the plot
const DENSE_PX = 0.25;
export const DASH = [5, 4];
export const DOTS = [1.5, 3];

export function yOfShare(share: number, box: Box, named: number): number {
  const top = named > 0 ? NAMED_MARGIN : MARGIN;
  return box.y + top + (1 - share) * (box.h - top - MARGIN);
}

/** The inverse of `yOfShare`; beyond the row: its ends. */
export function shareOfY(y: number, box: Box, named: number): number {
  const top = named > 0 ? NAMED_MARGIN : MARGIN;
  return Math.max(0, Math.min(1, 1 - (y - box.y - top) / (box.h - top - MARGIN)));
}

/** The running detector's score, filled above its start line; energy as a thin line; start and release lines. */
export function paintScore(scene: Scene, strip: Strip): void {
  const { layout, palette, detector, before } = scene;
  const y = (share: number) => yOfShare(share, layout.score, layout.named);
  const scale = scaleOf(detector.unit);
  const start = y(scale.share(detector.threshold));
  for (const track of visibleCurves(scene, strip)) {
    const isEnergy = track.detector === "energy";
    const colours = palette.detector(track.detector);
    const dense = track.frame_s * scene.axis.px_per_s < DENSE_PX;
    if (!isEnergy)
      curve(scene, strip, track, track.energy, (v) => y(energyShare(v)), palette.energy, 1, dense);
    const running = track.detector === detector.name;
    const share = running ? scale.share : scaleOf(isEnergy ? "energy" : "probability").share;
    const score = (v: number) => y(share(v));
    if (running && !dense)
      fillAbove(scene, strip, track, track.score, layout.score.y, score, start, colours.fill);
    // many frames a pixel would make a wall of lines: the band between the extremes, and a line on top
    if (dense) band(scene, strip, track, score, colours.fill);
    curve(scene, strip, track, track.score, score, colours.line, dense ? 1 : 1.5, dense);
  }
  if (before) horizontal(scene, strip, y(scale.share(before.threshold)), palette.release, 1, DOTS);
  horizontal(scene, strip, start, palette.threshold, 1.5);
  horizontal(scene, strip, y(scale.share(detector.neg_threshold)), palette.release, 1, DASH);
}

/** Between the lowest and the highest score of each pixel. */
function band(scene: Scene, strip: Strip, track: Curves, y: (value: number) => number, colour: string): void {
  const { context } = scene;
  context.fillStyle = colour;
  context.beginPath();
  points(scene, strip, track, track.score, (x, high, low) => {
    if (!Number.isNaN(high)) context.rect(x, y(high), 1, y(low) - y(high));
  });
  context.fill();
}

function visibleCurves({ axis, session }: Scene, strip: Strip): Curves[] {
  const from_s = axis.time(strip.x0);
  return session.drawing.curves.filter((track) => track.score.length * track.frame_s >= from_s);
}

type Grid = Pick<Curves, "frame_s">;

const found: Extremes = { min: 0, max: 0 }; // one for all: no rubbish sixty times a second

/** Visits the curve as points; with more than one frame a pixel, as the extremes of each pixel. NaN: a hole. */
function points(
  { axis, edge_s }: Surface,
  strip: Strip,
  track: Grid,
  series: Pyramid,
  visitor: (x: number, high: number, low: number) => void,
): void {
  const { frame_s } = track;
  const frame_px = frame_s * axis.px_per_s;
  const until_s = Math.min(edge_s, axis.time(strip.x1) + frame_s);
  if (frame_px >= 1) {
    // one frame further on either side, so that joints at the strip's edges are drawn
    const first = Math.max(0, Math.floor(axis.time(strip.x0) / frame_s) - 2);
    for (let i = first; (i + 0.5) * frame_s <= until_s && i < series.length; i++) {
      const value = series.value(i);
      visitor(axis.x((i + 0.5) * frame_s), value, value);
    }
    return;
  }
  for (let x = Math.floor(strip.x0) - 2; x <= strip.x1 && axis.time(x) < until_s; x++) {
    const from = axis.time(x) / frame_s;
    if (from >= series.length) break;
    const { min, max } = series.range(from, axis.time(x + 1) / frame_s, found);
    visitor(x, min > max ? Number.NaN : max, min);
  }
}

export function curve(
  scene: Surface,
  strip: Strip,
  track: Grid,
  series: Pyramid,
  y: (value: number) => number,
  colour: string,
  width: number,
  top = false,
): void {
  const { context } = scene;
  context.beginPath();
  let joined = false;
  points(scene, strip, track, series, (x, high, low) => {
    if (Number.isNaN(high)) {
      joined = false;
      return;
    }
    if (joined) context.lineTo(x, y(high));
    else context.moveTo(x, y(high));
    if (low !== high && !top) context.lineTo(x, y(low));
    joined = true;
  });
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.stroke();
}

/** What counts as speech: the part of the curve above the start line. */
export function fillAbove(
  scene: Surface,
  strip: Strip,
  track: Grid,
  series: Pyramid,
  top: number,
  y: (value: number) => number,
  start: number,
  colour: string,
): void {
  const { context } = scene;
  context.save();
  context.beginPath();
  context.rect(strip.x0, top, strip.x1 - strip.x0, start - top);
  context.clip();
  context.beginPath();
  let last: number | null = null;
  const close = () => {
    if (last !== null) context.lineTo(last, start);
    last = null;
  };
  points(scene, strip, track, series, (x, high) => {
    if (Number.isNaN(high)) return close();
    if (last === null) context.moveTo(x, start);
    context.lineTo(x, y(high));
    last = x;
  });
  close();
  context.fillStyle = colour;
  context.fill();
  context.restore();
}
