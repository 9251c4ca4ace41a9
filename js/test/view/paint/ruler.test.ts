import { expect, it } from "vitest";
import { paintRuler, type RulerScene } from "../../../src/view/paint/ruler.ts";
import { Axis } from "../../../src/view/paint/scene.ts";
import { fakeContext, palette } from "./helpers.ts";

// ten seconds from 60 s on, 100 px each
function words(given: Partial<RulerScene> = {}): string[] {
  const { context, written } = fakeContext();
  paintRuler({
    context,
    axis: new Axis(60, 10, 1000, 1),
    palette,
    ruler: { y: 0, h: 22 },
    ticks: [60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70],
    flag: null,
    avoid_x: null,
    ...given,
  });
  return written.map(({ text }) => text);
}

it("leaves out labels that the ends would cut", () => {
  expect(words()).toEqual(["01:01", "01:02", "01:03", "01:04", "01:05", "01:06", "01:07", "01:08", "01:09"]);
});

it("shows the flag with its tenth, and no label under it", () => {
  const shown = words({ flag: { time_s: 65.3, live: true } });
  expect(shown).toContain("01:05.3");
  expect(shown).not.toContain("01:05");
  expect(shown).toContain("01:06");
});

it("makes room for another flag", () => {
  expect(words({ avoid_x: 210 })).not.toContain("01:02");
});

it("shows no flag of a moment that is out of the window", () => {
  expect(words({ flag: { time_s: 75, live: false } })).not.toContain("01:15.0");
});

it("paints a flag into every strip that it reaches into", () => {
  const { context, written } = fakeContext();
  const scene = {
    context,
    axis: new Axis(60, 10, 500, 1),
    palette,
    ruler: { y: 0, h: 22 },
    ticks: [],
    avoid_x: null,
  };
  paintRuler({ ...scene, flag: { time_s: 69, live: true } }, { x0: 460, x1: 500 }); // its middle is at 450
  expect(written.map(({ text }) => text)).toEqual(["01:09.0"]);
});
