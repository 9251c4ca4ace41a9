import { describe, expect, it } from "vitest";
import shared from "../../../tests/data/vad/metrics-vectors.json" with { type: "json" };
import { complement, indexAt, length_s, merged } from "../../src/lab/intervals.ts";
import { judge } from "../../src/lab/judge.ts";
import type { Metrics } from "../../src/lab/wire.ts";

interface Vector {
  name: string;
  found: [number, number][];
  truth: [number, number][];
  collar_s: number;
  duration_s: number;
  span?: [number, number];
  missed_s: number;
  false_alarm_s: number;
  metrics: Metrics;
}

const vectors = shared as unknown as Vector[];

describe("the page judges as the kernel does", () => {
  it.each(vectors)(
    "$name",
    ({ found, truth, collar_s, duration_s, span, missed_s, false_alarm_s, metrics }) => {
      const judgement = judge(found.flat(), truth.flat(), collar_s, span ?? [0, duration_s]);
      expect(judgement).not.toBeNull();
      if (!judgement) return;
      for (const [name, value] of Object.entries(metrics)) {
        const own = judgement.metrics[name as keyof Metrics];
        if (value === null) expect(own, name).toBeNull();
        else expect(own, name).toBeCloseTo(value, 9);
      }
      expect(length_s(judgement.missed)).toBeCloseTo(missed_s, 9);
      expect(length_s(judgement.false_alarms)).toBeCloseTo(false_alarm_s, 9);
    },
  );
});

it("does not judge without a truth", () => {
  expect(judge([1, 2], [], 0, [0, 5])).toBeNull();
});

it("joins, inverts and finds stretches", () => {
  expect(merged([0, 1, 1, 2, 3, 3, 4, 6, 5, 7])).toEqual([0, 2, 4, 7]);
  expect(complement([1, 2, 4, 9], 0, 5)).toEqual([0, 1, 2, 4]);
  expect([0.5, 1, 1.9, 2].map((time_s) => indexAt([1, 2, 3, 4], time_s))).toEqual([-1, 0, 0, -1]);
});
