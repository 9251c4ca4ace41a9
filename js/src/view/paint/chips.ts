import { endOf, type Line } from "../../store/lines.ts";
import { languageTag } from "../format.ts";
import type { Ellipsis } from "./ellipsis.ts";
import type { Axis, Box, Scene, Strip } from "./scene.ts";

const TOP = 4;
const HEIGHT = 21;
const GAP_PX = 2; // to the next chip
export const MIN_PX = 3;
const RADIUS = 3;
const PADDING = 7;
const ROOM_PX = 8; // words are cut anew in steps of this, not with every pixel
const WORDS_PX = 22; // narrower than this, a chip is a mark without words
const DASH = [3, 2];
const FROM_RIGHT =
  /^[^\p{L}]*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** The words of a chip; an unfinished one says so. */
export function chipText(line: Line): string {
  return line.kind === "partial" ? `${line.text.trimEnd()}…` : line.text;
}

/** Where a chip begins and how wide it is: as long as its speech, less a gap to the next. */
export function chipPlace(line: Line, axis: Axis, edge_s: number): { x: number; width: number } {
  const end_s = endOf(line, edge_s);
  const x = axis.x(line.start_s);
  return { x, width: Math.max(MIN_PX, axis.x(end_s) - x - GAP_PX) };
}

/** The text lane. Elements of the same places lie over it, for pointers, keys and screen readers: to move those in
 * every frame would cost more than all the drawing.
 */
export function paintChips(scene: Scene, strip: Strip, ellipsis: Ellipsis): void {
  const { context, axis, layout, palette, chips, edge_s } = scene;
  const lane = layout.text;
  if (!lane) return;
  context.font = `12px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "start";
  for (const line of chips.lines) {
    const { x, width } = chipPlace(line, axis, edge_s);
    if (x > strip.x1 + 1 || x + width < strip.x0 - 1) continue;
    frame(scene, line, x, width, lane);
    if (width >= WORDS_PX) words(scene, line, x, width, lane, ellipsis);
  }
  context.direction = "inherit";
}

/** The parts whose words have other room than when they were painted: unfinished chips, and those cut by the left edge. */
export function refitted({ axis, chips, edge_s, layout }: Scene): Strip[] {
  const strips: Strip[] = [];
  if (!layout.text) return strips; // this form has no text lane
  for (const line of chips.lines) {
    const { x, width } = chipPlace(line, axis, edge_s);
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
  x: number,
  width: number,
  lane: Box,
  ellipsis: Ellipsis,
): void {
  const text = chipText(line);
  const right = x + width - PADDING;
  const left = Math.max(x, 0) + PADDING;
  const rightToLeft = FROM_RIGHT.test(text);
  const language = languageTag(line);
  // the glyphs of Han characters differ between languages; not every browser's types know it yet
  (context as { lang?: string }).lang = language || "inherit";
  const shown = ellipsis.fit(context, text, Math.floor((right - left) / ROOM_PX) * ROOM_PX);
  context.direction = rightToLeft ? "rtl" : "ltr";
  context.fillStyle = line.kind === "partial" ? palette.secondary : palette.ink;
  const y = lane.y + TOP + HEIGHT / 2 + 0.5;
  if (shown) context.fillText(shown, rightToLeft ? Math.min(right, axis.width) : left, y);
}
