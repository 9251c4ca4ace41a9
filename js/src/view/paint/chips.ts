import { endOf, type Line } from "../../store/lines.ts";
import { languageTag } from "../format.ts";
import type { Palette } from "./palette.ts";
import type { Axis, Box, Chip, Scene, Strip } from "./scene.ts";
import type { Wrapping } from "./wrapping.ts";

const TOP = 4;
export const ROWS = 3; // of words
const ROW_PX = 14;
const HEIGHT = ROWS * ROW_PX + 6;
const GAP_PX = 2; // to the next chip
export const MIN_PX = 3;
const RADIUS = 3;
const PADDING = 7;
const WORDS_PX = 22; // narrower than this, a chip is a mark without words
const fontOf = ({ font }: Palette) => `12px ${font}`;
const DASH = [3, 2];
const FROM_RIGHT =
  /^[^\p{L}]*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** The words of a chip; an unfinished one says so. */
export function chipText(line: Line): string {
  return line.kind === "partial" ? `${line.text.trimEnd()}…` : line.text;
}

/** How wide a chip wants to be for its words, once they are broken into rows. */
export function wantedPx(
  line: Line,
  wrapping: Wrapping,
  context: CanvasRenderingContext2D,
  palette: Palette,
): number {
  context.font = fontOf(palette);
  return wrapping.narrowest(context, chipText(line)) + 2 * PADDING;
}

/** Where a chip begins and how wide it is: as long as its speech, less a gap to the next, and into the pause behind it
 * as far as its words need that.
 */
export function chipPlace({ line, until_s, wanted_px }: Chip, axis: Axis, edge_s: number): Place {
  const x = axis.x(line.start_s);
  const speech = Math.max(MIN_PX, axis.x(endOf(line, edge_s)) - x - GAP_PX);
  const room = axis.x(until_s) - x - GAP_PX;
  return { x, width: Math.max(speech, Math.min(room, wanted_px)) };
}

interface Place {
  x: number;
  width: number;
}

/** The text lane. Elements of the same places lie over it, for pointers, keys and screen readers: to move those in
 * every frame would cost more than all the drawing.
 */
export function paintChips(scene: Scene, strip: Strip, wrapping: Wrapping): void {
  const { context, axis, layout, palette, chips, edge_s } = scene;
  const lane = layout.text;
  if (!lane) return;
  context.font = fontOf(palette);
  context.textBaseline = "middle";
  context.textAlign = "start";
  for (const chip of chips.shown) {
    const { line } = chip;
    const { x, width } = chipPlace(chip, axis, edge_s);
    if (x > strip.x1 + 1 || x + width < strip.x0 - 1) continue;
    frame(scene, line, x, width, lane);
    if (width >= WORDS_PX) words(scene, line, { x, width }, lane, wrapping);
  }
  context.direction = "inherit";
}

/** The parts whose words have other room than when they were painted: unfinished chips, and those cut by the left edge. */
export function refitted({ axis, chips, edge_s, layout }: Scene): Strip[] {
  const strips: Strip[] = [];
  if (!layout.text) return strips; // this form has no text lane
  for (const chip of chips.shown) {
    const { line } = chip;
    const { x, width } = chipPlace(chip, axis, edge_s);
    if (x + width < 0 || x > axis.width || (line.kind !== "partial" && x >= 0)) continue;
    strips.push({ x0: Math.max(0, x), x1: Math.min(axis.width, x + width + GAP_PX), row: "text" });
  }
  return strips;
}

function frame({ context, palette, chips }: Scene, line: Line, x: number, width: number, lane: Box): void {
  const selected = line.key === chips.selected;
  const y = lane.y + TOP;
  context.beginPath();
  context.roundRect(x + 0.5, y + 0.5, Math.max(1, width - 1), HEIGHT - 1, RADIUS);
  context.fillStyle = selected ? palette.selected : palette.paper;
  context.fill();
  if (selected) {
    context.fillStyle = palette.brand;
    context.fillRect(x + 1, y + HEIGHT - 3, Math.max(1, width - 2), 2);
  }
  context.strokeStyle = selected ? palette.brand : palette.axis;
  context.lineWidth = 1;
  if (line.kind === "partial") dashed(context, x + 0.5, y + 0.5, Math.max(1, width - 1), HEIGHT - 1);
  else context.stroke();
}

/** Both halves from the left: the dashes stay where they are while the chip grows. */
function dashed(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const radius = Math.min(RADIUS, width / 2);
  context.setLineDash(DASH);
  context.beginPath();
  for (const side of [y, y + height]) {
    context.moveTo(x, y + height / 2);
    context.arcTo(x, side, x + width, side, radius);
    context.arcTo(x + width, side, x + width, y + height / 2, radius);
    context.lineTo(x + width, y + height / 2);
  }
  context.stroke();
  context.setLineDash([]);
}

/** The beginning of the words stays in view while the chip is cut by the left edge. */
function words(
  { context, axis, palette }: Scene,
  line: Line,
  { x, width }: Place,
  lane: Box,
  wrapping: Wrapping,
): void {
  const text = chipText(line);
  const right = x + width - PADDING;
  const left = Math.max(x, 0) + PADDING;
  const rightToLeft = FROM_RIGHT.test(text);
  const language = languageTag(line);
  // the glyphs of Han characters differ between languages; not every browser's types know it yet
  (context as { lang?: string }).lang = language || "inherit";
  const rows = wrapping.rows(context, text, right - left);
  context.direction = rightToLeft ? "rtl" : "ltr";
  context.fillStyle = line.kind === "partial" ? palette.secondary : palette.ink;
  const first_y = lane.y + TOP + (HEIGHT - (rows.length - 1) * ROW_PX) / 2 + 0.5;
  const first_x = rightToLeft ? Math.min(right, axis.width) : left;
  let at = 0; // where the row is in the text
  for (const [i, row] of rows.entries()) {
    const y = first_y + i * ROW_PX;
    context.fillText(row, first_x, y);
    at = Math.max(at, text.indexOf(row.replace(/…$/, ""), at));
    const lower = { x: first_x, y: y + 6.5, way: rightToLeft ? -1 : 1 };
    for (const [from, to] of line.unsure ?? []) underline(context, row, [from - at, to - at], lower);
    at += row.length;
  }
}

/** Under a word of a row that the engine is not sure of. */
function underline(
  context: CanvasRenderingContext2D,
  row: string,
  [from, to]: readonly [number, number],
  { x, y, way }: { x: number; y: number; way: number },
): void {
  if (to <= 0 || from >= row.length) return;
  const end = (length: number) => x + way * context.measureText(row.slice(0, Math.max(0, length))).width;
  context.strokeStyle = context.fillStyle;
  context.lineWidth = 1;
  context.setLineDash(DASH);
  context.beginPath();
  context.moveTo(end(from), y);
  context.lineTo(end(to), y);
  context.stroke();
  context.setLineDash([]);
}
