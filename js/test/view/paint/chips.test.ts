import { expect, it } from "vitest";
import type { Line } from "../../../src/store/lines.ts";
import { chipPlace, paintChips, ROWS, refitted } from "../../../src/view/paint/chips.ts";
import { Axis, type Chip, type Scene } from "../../../src/view/paint/scene.ts";
import { Wrapping } from "../../../src/view/paint/wrapping.ts";
import { fakeContext, palette, type Written } from "./helpers.ts";

const line = (given: Partial<Line>): Line => ({
  key: "a",
  kind: "final",
  start_s: 1,
  end_s: 3,
  text: "good morning",
  stable: 0,
  language: "",
  steps: null,
  ...given,
});

/** With room for words up to `until_s`: by default, none but that of its speech. */
const chip = (given: Line, until_s = 0, wanted_px = 10_000): Chip => ({ line: given, until_s, wanted_px });

function scene(lines: Line[], start_s = 0): { scene: Scene; written: Written[] } {
  const { context, written } = fakeContext();
  const made = {
    context,
    axis: new Axis(start_s, 10, 1000, 1),
    palette,
    layout: { text: { y: 100, h: 57 } },
    edge_s: 8,
    chips: { shown: lines.map((one) => chip(one)), selected: null },
  };
  return { scene: made as unknown as Scene, written };
}

function painted(lines: Line[], start_s = 0): Written[] {
  const { scene: made, written } = scene(lines, start_s);
  paintChips(made, { x0: 0, x1: 1000 }, new Wrapping(ROWS));
  return written;
}

it("writes words into a chip as long as its speech", () => {
  expect(chipPlace(chip(line({})), new Axis(0, 10, 1000, 1), 8)).toEqual({ x: 100, width: 198 });
  expect(painted([line({})])).toMatchObject([{ text: "good morning", x: 107, direction: "ltr" }]);
});

it("lets an unfinished chip reach to now, and says that it is one", () => {
  const partial = line({ kind: "partial", text: "good ", end_s: 1 });
  expect(chipPlace(chip(partial), new Axis(0, 10, 1000, 1), 8).width).toBe(698);
  expect(painted([partial])).toMatchObject([{ text: "good…" }]);
});

it("keeps the beginning of the words in view where the left edge cuts the chip", () => {
  expect(painted([line({ end_s: 5 })], 2)).toMatchObject([{ text: "good morning", x: 7 }]);
});

it("writes from the right where the words do", () => {
  expect(painted([line({ text: "صباح الخير" })])).toMatchObject([{ x: 100 + 198 - 7, direction: "rtl" }]);
});

it("reaches into the pause behind it for its words, as far as they need and up to the next", () => {
  const axis = new Axis(0, 10, 1000, 1);
  expect(chipPlace(chip(line({}), 4, 250), axis, 8).width).toBe(250);
  expect(chipPlace(chip(line({}), 4, 400), axis, 8).width).toBe(298);
  expect(chipPlace(chip(line({}), 4, 50), axis, 8).width).toBe(198);
});

it("has three rows for words", () => {
  const rows = painted([line({ end_s: 1.98, text: "every word appears on the screen" })]);
  expect(rows.map(({ text }) => text)).toEqual(["every", "word", "appears…"]);
  expect(rows.map(({ y }) => y - (rows[1]?.y ?? 0))).toEqual([-14, 0, 14]);
});

it("underlines the words that the engine is not sure of, in whichever row they are", () => {
  const one = line({ end_s: 1.98, text: "every word appears", unsure: [[6, 10, 37]] });
  const { scene: made } = scene([one]);
  const lines: [number, number][] = [];
  const { context } = made;
  context.moveTo = (x, y) => lines.push([x, y]);
  context.lineTo = (x, y) => lines.push([x, y]);
  paintChips(made, { x0: 0, x1: 1000 }, new Wrapping(ROWS));
  const [[from_x, from_y] = [0, 0], [to_x, to_y] = [0, 0]] = lines;
  expect([lines.length, from_x, to_x - from_x, to_y - from_y]).toEqual([2, 107, 40, 0]);
});

it("leaves a chip without words where there is no room for any", () => {
  expect(painted([line({ end_s: 1.15 })])).toEqual([]);
});

it("paints only what the strip touches", () => {
  const { scene: made, written } = scene([line({}), line({ key: "b", start_s: 6, end_s: 8, text: "b" })]);
  paintChips(made, { x0: 500, x1: 1000 }, new Wrapping(ROWS));
  expect(written.map(({ text }) => text)).toEqual(["b"]);
});

it("fits anew what grows and what the left edge cuts, and nothing else", () => {
  const lines = [
    line({ key: "cut", start_s: 1, end_s: 4 }),
    line({ key: "whole", start_s: 5, end_s: 6 }),
    line({ key: "grows", kind: "partial", start_s: 7, end_s: 7 }),
    line({ key: "gone", start_s: 0, end_s: 1 }),
  ];
  expect(refitted(scene(lines, 2).scene)).toEqual([
    { x0: 0, x1: 200, row: "text" },
    { x0: 500, x1: 600, row: "text" },
  ]);
});

it("leaves the picture alone where no text lane is shown", () => {
  const made = scene([line({ kind: "partial" })]).scene;
  expect(refitted({ ...made, layout: { ...made.layout, text: null } })).toEqual([]);
});
