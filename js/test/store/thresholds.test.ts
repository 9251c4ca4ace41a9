import { expect, it } from "vitest";
import defaults from "../../../tests/data/vad/detector-defaults.json" with { type: "json" };
import { defaultsOf } from "../../src/store/thresholds.ts";
import type { Detector } from "../../src/wire/messages.ts";

it("goes back to the thresholds that Python begins with", () => {
  for (const [name, expected] of Object.entries(defaults)) {
    const { threshold, neg_threshold } = defaultsOf({ name } as Detector, false) ?? {};
    expect(threshold, name).toBe(expected.threshold);
    expect(neg_threshold, name).toBeCloseTo(expected.neg_threshold, 9);
  }
  expect(defaultsOf({ name: "mine" } as Detector, false)).toBeNull();
});
