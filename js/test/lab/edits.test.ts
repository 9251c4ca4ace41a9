import { expect, it } from "vitest";
import { edgeMoved, painted, regionMoved, snapped } from "../../src/lab/edits.ts";

const truth = [1, 2, 3, 4];

it("paints regions, which grow together with what they touch", () => {
  expect(painted(truth, 5, 4.5)).toEqual([1, 2, 3, 4, 4.5, 5]);
  expect(painted(truth, 0, 0.5)).toEqual([0, 0.5, 1, 2, 3, 4]);
  expect(painted(truth, 2, 3.5)).toEqual([1, 4]);
  expect(painted(truth, 2.5, 2.5)).toEqual(truth);
});

it("moves edges as far as the neighbour and 10 ms from the other edge", () => {
  expect(edgeMoved(truth, 0, "end", 9, 10)).toEqual([1, 3, 3, 4]);
  expect(edgeMoved(truth, 1, "start", 9, 10)).toEqual([1, 2, 3.99, 4]);
  expect(edgeMoved(truth, 1, "end", 99, 10)).toEqual([1, 2, 3, 10]);
});

it("moves regions between their neighbours", () => {
  expect(regionMoved(truth, 0, -5, 10)).toEqual([0, 1, 3, 4]);
  expect(regionMoved(truth, 0, 5, 10)).toEqual([2, 3, 3, 4]);
  expect(regionMoved(truth, 1, 99, 10)).toEqual([1, 2, 9, 10]);
});

it("snaps to 10 ms unless told not to", () => {
  expect(snapped(1.2345, false)).toBeCloseTo(1.23, 9);
  expect(snapped(1.2345, true)).toBe(1.2345);
});
