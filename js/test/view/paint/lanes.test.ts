import { expect, it } from "vitest";
import { slitsOf } from "../../../src/view/paint/lanes.ts";
import { Axis, type Scene } from "../../../src/view/paint/scene.ts";

function scene(spans: [number, number, boolean][]): Scene {
  const client = {
    visit: (
      _from: number,
      _to: number,
      _now: number,
      visitor: (a: number, b: number, open: boolean) => void,
    ) => {
      for (const span of spans) visitor(...span);
    },
  };
  return { axis: new Axis(0, 10, 1000, 1), client, edge_s: 8 } as unknown as Scene;
}

it("knows where the slits of open speech begin, so that the picture loses them when it goes on or ends", () => {
  expect(slitsOf(scene([[1, 2, false]]))).toBeNull();
  const slits_s = slitsOf(
    scene([
      [1, 2, false],
      [5, 9, true],
    ]),
  );
  expect(slits_s).toBeLessThanOrEqual(8 - 0.16); // three slits of 2 px, 5 px apart, before the live edge
  expect(slits_s).toBeGreaterThan(7.5);
});
