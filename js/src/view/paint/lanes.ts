import type { Speech } from "../../store/lane.ts";
import { LATE } from "../../store/session.ts";
import type { Palette } from "./palette.ts";
import type { Box, Scene, Strip, Surface } from "./scene.ts";

const BAR = { top: 5, height: 9 };
const THIN = { top: 6.5, height: 6 };
const TICK_PX = 12;
const SLITS = { count: 3, first_px: 6, every_px: 5, width_px: 2 };
const SLITS_PX = SLITS.first_px + SLITS.every_px * (SLITS.count - 1);
const SLIT_FROM = 8; // slits closer than this would be noise, not information

/** The lanes below the score: the client's segments, the server's, what was sent, what was committed. */
export function paintLanes(scene: Scene, strip: Strip): void {
  paintLocal(scene, strip);
  paintServer(scene, strip);
  paintSent(scene, strip);
  paintCommitted(scene, strip);
}

function window_s({ axis }: Scene, strip: Strip): [number, number] {
  return [axis.time(strip.x0 - 12), axis.time(strip.x1 + 12)];
}

/** Where the slits of open speech begin, in seconds; null: nobody speaks. */
export function slitsOf({ axis, client, edge_s }: Scene): number | null {
  let found: number | null = null;
  client.visit(axis.time(0), axis.time(axis.width), edge_s, (_start_s, end_s, open) => {
    if (!open) return;
    found = Math.min(end_s, edge_s) - (SLITS_PX + 1) / axis.px_per_s;
  });
  return found;
}

export function paintLocal(scene: Scene, strip: Strip): void {
  const { context, axis, layout, palette, client, detector, edge_s } = scene;
  const lane = layout.local;
  if (!lane) return;
  const y = lane.y + BAR.top;
  if (scene.before) outline(scene, strip, lane, scene.before.speech);
  client.visit(...window_s(scene, strip), edge_s, (start_s, end_s, open) => {
    if (start_s > edge_s) return;
    const [a, b] = [axis.x(start_s), axis.x(Math.min(end_s, edge_s))];
    bar(scene, a, y, b - a, BAR.height, palette.detector(detector.name).line, 2);
    if (!open) return;
    context.fillStyle = palette.paper;
    for (let k = 0; k < SLITS.count; k++) {
      const x = b - SLITS.first_px - SLITS.every_px * k;
      if (x > a + 2) context.fillRect(x, y, SLITS.width_px, BAR.height);
    }
  });
}

/** Where the segments were before a line was moved: dashed, around the new ones. */
function outline(scene: Scene, strip: Strip, lane: Box, speech: Speech): void {
  const { context, axis, palette, edge_s } = scene;
  context.save();
  context.strokeStyle = palette.release;
  context.lineWidth = 1;
  context.setLineDash([3, 2]);
  speech.visit(...window_s(scene, strip), edge_s, (start_s, end_s) => {
    const [a, b] = [axis.x(start_s), axis.x(Math.min(end_s, edge_s))];
    context.strokeRect(a - 1.5, lane.y + BAR.top - 2.5, b - a + 3, BAR.height + 5);
  });
  context.restore();
}

function paintServer(scene: Scene, strip: Strip): void {
  const { context, axis, layout, palette, session, edge_s } = scene;
  const lane = layout.server;
  if (!lane) return;
  session.segments.server.visit(...window_s(scene, strip), edge_s, (start_s, end_s) => {
    if (start_s > edge_s) return;
    const [a, b] = [axis.x(start_s), axis.x(Math.min(end_s, edge_s))];
    outlinedBar(context, palette, a, lane.y + BAR.top, b - a, BAR.height);
  });
}

function paintSent(scene: Scene, strip: Strip): void {
  const { context, axis, layout, palette, session } = scene;
  const lane = layout.sent;
  if (!lane) return;
  let previous_end = Number.NEGATIVE_INFINITY;
  session.sent.visit(...window_s(scene, strip), (start_s, end_s, flag) => {
    const [a, b] = [axis.x(start_s), axis.x(end_s)];
    const joins = Math.abs(start_s - previous_end) < 0.01;
    const narrow = joins && b - a < SLIT_FROM;
    previous_end = end_s;
    if (flag & LATE) return hatch(scene, a, lane.y + BAR.top, b - a, BAR.height, palette.kept);
    // joined appends become one bar: begun a little earlier, no round corner shows between them
    const from = narrow ? a - 2 : a;
    bar(scene, from, lane.y + THIN.top, b - from, THIN.height, palette.server, 1);
    if (!joins || narrow) return;
    context.fillStyle = palette.paper;
    context.fillRect(a - 0.75, lane.y + THIN.top - 0.5, 1.5, THIN.height + 1);
  });
}

function paintCommitted(scene: Scene, strip: Strip): void {
  const { context, axis, layout, palette, session } = scene;
  const lane = layout.committed;
  if (!lane) return;
  session.committed.visit(...window_s(scene, strip), (start_s, end_s, _flag, i) => {
    const [a, b] = [axis.x(start_s), axis.x(end_s)];
    bar(scene, a, lane.y + THIN.top, b - a, THIN.height, palette.server, 1);
    const { committed } = session;
    if (i + 1 < committed.length && axis.x(committed.start(i + 1)) < b + TICK_PX) return; // no room for the tick
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.6;
    context.beginPath();
    context.moveTo(b + 4, lane.y + 9.5);
    context.lineTo(b + 6.6, lane.y + 12);
    context.lineTo(b + 11.5, lane.y + 6);
    context.stroke();
  });
}

export function bar(
  { context }: Pick<Surface, "context">,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
  radius: number,
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, Math.max(1.5, width), height, radius);
  context.fill();
}

/** The server's segments are outlined: they are somebody else's opinion. */
export function outlinedBar(
  context: CanvasRenderingContext2D,
  palette: Palette,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  context.beginPath();
  context.roundRect(x, y, Math.max(1.5, width), height, 2);
  context.fillStyle = palette.serverFill;
  context.fill();
  context.strokeStyle = palette.server;
  context.lineWidth = 1.25;
  context.stroke();
}

/** Hatched: leaning right for what was kept and sent late, and for what was missed. The lines hang on the time axis, so that they scroll with it. */
export function hatch(
  { context, axis }: Surface,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
  lean: "right" | "left" = "right",
): void {
  const gap = 5;
  const shift = -(axis.origin / axis.ratio) % gap;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1.1;
  context.beginPath();
  for (let k = Math.floor((x - height) / gap) * gap + shift - gap; k < x + width + gap; k += gap) {
    context.moveTo(k, lean === "right" ? y + height : y);
    context.lineTo(k + height, lean === "right" ? y : y + height);
  }
  context.stroke();
  context.restore();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, Math.max(0, width - 1), height - 1);
}
