import type { Speech } from "../../store/lane.ts";
import type { SessionStore } from "../../store/session.ts";
import { bar, hatch, outlinedBar } from "../../view/paint/lanes.ts";
import { colourOf, type Palette } from "../../view/paint/palette.ts";
import { paintRuler, type RulerScene } from "../../view/paint/ruler.ts";
import { type Box, horizontal, type Strip, type Surface, vertical } from "../../view/paint/scene.ts";
import { curve, DASH, DOTS, fillAbove, yOfShare } from "../../view/paint/score.ts";
import { paintWave } from "../../view/paint/wave.ts";
import { scaleOf } from "../../view/scale.ts";
import type { LabWords } from "../i18n/index.ts";
import { visit } from "../intervals.ts";
import type { Selection } from "../selection.ts";
import type { ErrorKind, LabStore, Lane } from "../store.ts";
import type { LabDetector, Spans } from "../wire.ts";
import type { Before } from "./detector-rows.ts";

/** Colours that only the lab has. */
export const LAB_COLOURS = {
  missed: "var(--sp-miss)",
  false_alarms: "var(--sp-false)",
  veil: "color-mix(in srgb, var(--sp-paper-3) 72%, transparent)",
  band: "color-mix(in srgb, var(--sp-ink) 4.5%, transparent)",
  heat: "var(--sp-heat)",
  heatOn: "var(--sp-heat-on)",
} as const;

export type LabPalette = Palette & Record<keyof typeof LAB_COLOURS, string>;

interface DetectorBoxes {
  score: Box;
  segments: Box;
  errors: Box;
}

interface LabScene extends RulerScene {
  height: number;
  palette: LabPalette;
  wave: Box;
  /** null: the server was not asked */
  server: Box | null;
  detectors: readonly DetectorBoxes[];
  store: LabStore;
  session: SessionStore;
  selection: Selection;
  words: LabWords;
  /** while a line is moved: the detector before, and its segments */
  before: Before | null;
}

const LABEL_FROM_S = 0.3;
const LARGE_FROM_PX = 25; // a row of errors for a room
const SERVER_PX = 9;

/** Everything of the lab that is drawn. Nothing scrolls by itself here, so that all of it is painted at once. */
export function paintLab(scene: LabScene): void {
  const { context, axis, height, ruler, palette, store, selection } = scene;
  const top = ruler.y + ruler.h;
  context.setTransform(axis.ratio, 0, 0, axis.ratio, 0, 0);
  context.clearRect(0, 0, axis.width, height);
  const strip: Strip = { x0: 0, x1: axis.width };
  const surface: Surface = { context, axis, edge_s: store.duration_s };
  for (const tick of scene.ticks)
    vertical(context, Math.round(axis.x(tick)) + 0.5, top, height, palette.grid, 1);
  context.fillStyle = palette.band;
  shown(scene, store.truth, (x, w) => context.fillRect(x, top, w, height - top));
  const { stretch } = selection.now;
  if (stretch) {
    const { start_s, end_s } = stretch;
    context.fillStyle = palette.selection;
    context.fillRect(axis.x(start_s), top, axis.x(end_s) - axis.x(start_s), height - top);
  }
  const spans = store.lane?.spans ?? [];
  const speech: Speech = {
    visit: (from_s, to_s, _now_s, visitor) =>
      visit(spans, from_s, to_s, (start_s, end_s) => visitor(start_s, end_s, false)),
  };
  const layout = { wave: scene.wave, named: 0 };
  paintWave({ ...surface, palette, session: scene.session, speech, layout }, strip);
  paintServer(scene);
  for (const [index, lane] of store.lanes.entries()) {
    const boxes = scene.detectors[index];
    const detector = store.detector(index);
    if (!boxes || !detector) continue;
    paintScores(scene, surface, strip, lane, detector, boxes, index);
    paintSegments(scene, lane, detector, boxes, index);
    paintErrors(scene, surface, lane, boxes, index === store.active);
  }
  veil(scene, top);
  paintRuler(scene);
}

/** What is not labelled is not scored: it lies under a veil. */
function veil({ context, axis, palette, store, height }: LabScene, top: number): void {
  const [from, to] = store.span.map((time_s) => Math.max(0, Math.min(axis.width, axis.x(time_s)))) as [
    number,
    number,
  ];
  context.fillStyle = palette.veil;
  context.fillRect(0, top, from, height - top);
  context.fillRect(to, top, axis.width - to, height - top);
}

/** Visits visible stretches as x and width. */
function shown(
  { axis }: LabScene,
  spans: Spans,
  visitor: (x: number, width: number, i: number) => void,
): void {
  visit(spans, axis.time(0), axis.time(axis.width), (start_s, end_s, i) =>
    visitor(axis.x(start_s), axis.x(end_s) - axis.x(start_s), i),
  );
}

function paintScores(
  scene: LabScene,
  surface: Surface,
  strip: Strip,
  lane: Lane,
  detector: LabDetector,
  { score }: DetectorBoxes,
  index: number,
): void {
  const { palette, store, before } = scene;
  const active = index === store.active;
  const { share } = scaleOf(detector.unit);
  const y = (value: number) => yOfShare(share(value), score, 0);
  const start = y(detector.threshold);
  const colours = palette.detector(colourOf(detector.name));
  if (lane.scores) {
    const grid = { frame_s: lane.hop / lane.rate };
    fillAbove(surface, strip, grid, lane.drawn, score.y, y, start, colours.fill);
    curve(surface, strip, grid, lane.drawn, y, colours.line, active ? 1.5 : 1.25);
  }
  if (before?.index === index)
    horizontal(surface, strip, y(before.detector[before.line]), palette.release, 1, DOTS);
  horizontal(surface, strip, start, palette.threshold, active ? 1.5 : 1.25);
  if (active) horizontal(surface, strip, y(detector.neg_threshold), palette.release, 1, DASH);
}

function paintSegments(
  scene: LabScene,
  lane: Lane,
  detector: LabDetector,
  { segments }: DetectorBoxes,
  index: number,
): void {
  const { context, palette, store, before } = scene;
  const height = index === store.active ? 10 : 8;
  const y = segments.y + (segments.h - height) / 2;
  const colour = palette.detector(colourOf(detector.name)).line;
  shown(scene, lane.spans, (x, width) => bar(scene, x, y, width, height, colour, 2));
  if (before?.index !== index) return;
  context.save();
  context.strokeStyle = palette.ink;
  context.setLineDash([3, 2]);
  context.lineWidth = 1;
  shown(scene, before.spans, (x, width) => context.strokeRect(x - 0.5, y - 2.5, width + 1, height + 5));
  context.restore();
}

/** Outlined: it is somebody else's opinion. */
function paintServer(scene: LabScene): void {
  const { context, palette, server, store } = scene;
  if (!server) return;
  const y = server.y + (server.h - SERVER_PX) / 2;
  shown(scene, store.server, (x, width) => outlinedBar(context, palette, x, y, width, SERVER_PX));
}

function paintErrors(
  scene: LabScene,
  surface: Surface,
  lane: Lane,
  { errors }: DetectorBoxes,
  active: boolean,
): void {
  const { judgement } = lane;
  if (!judgement) return;
  const [top, height] = active ? [4, 14] : [1, 9];
  const y = errors.y + top;
  for (const kind of ["missed", "false_alarms"] as const)
    shown(scene, judgement[kind], (x, width) =>
      hatch(
        surface,
        x,
        y,
        Math.max(3, width),
        height,
        scene.palette[kind],
        kind === "missed" ? "right" : "left",
      ),
    );
  if (!active) return;
  frameCurrent(scene, y, height);
  labelErrors(scene, judgement, y + height / 2, errors.h > LARGE_FROM_PX ? 16 : 11);
}

/** The error that was stepped to. */
function frameCurrent(
  { context, axis, palette, store, selection }: LabScene,
  y: number,
  height: number,
): void {
  const { error } = selection.now;
  const found = error && store.errors(error.kind)[error.index];
  if (!found) return;
  const [a, b] = [axis.x(found[0]), axis.x(found[1])];
  context.strokeStyle = palette.brand;
  context.lineWidth = 2;
  context.strokeRect(a - 2, y - 2, Math.max(3, b - a) + 4, height + 4);
}

/** Word and length where there is room, length only where two labels would meet, nothing for short errors. */
function labelErrors(scene: LabScene, judgement: Record<ErrorKind, Spans>, y: number, size_px: number): void {
  const { context, axis, palette, words } = scene;
  const found: { kind: ErrorKind; start_s: number; end_s: number }[] = [];
  for (const kind of ["missed", "false_alarms"] as const)
    visit(judgement[kind], axis.time(0), axis.time(axis.width), (start_s, end_s) =>
      found.push({ kind, start_s, end_s }),
    );
  found.sort((a, b) => a.start_s - b.start_s);
  context.font = `${size_px}px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  let taken_x = 0;
  for (const [i, { kind, start_s, end_s }] of found.entries()) {
    const [a, b] = [axis.x(start_s), Math.max(axis.x(end_s), axis.x(start_s) + 3)];
    const free_from = Math.max(taken_x, 0);
    taken_x = Math.max(taken_x, b + 2);
    if (end_s - start_s < LABEL_FROM_S) continue;
    const next_x = i + 1 < found.length ? axis.x(found[i + 1]?.start_s ?? 0) : axis.width;
    const length = words.base.seconds((end_s - start_s).toFixed(2));
    const word = `${kind === "missed" ? words.missed : words.falseAlarm} ${length}`;
    for (const text of [word, length]) {
      const width = context.measureText(text).width + 8;
      const x = b + width <= next_x ? b : a - width >= free_from ? a - width : null;
      if (x === null) continue;
      context.fillStyle = palette.paper;
      context.fillRect(x + 1, y - 7, width - 2, 14);
      context.fillStyle = palette[kind];
      context.fillText(text, x + 4, y + 0.5);
      taken_x = Math.max(taken_x, x + width);
      break;
    }
  }
}
