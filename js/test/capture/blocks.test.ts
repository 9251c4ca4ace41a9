import { expect, it } from "vitest";
import { BlockCollector, toInt16 } from "../../src/capture/blocks.ts";

interface Got {
  first: number;
  samples: number[];
}

function collector(size: number): { got: Got[]; blocks: BlockCollector } {
  const got: Got[] = [];
  return {
    got,
    blocks: new BlockCollector(size, (first, samples) => got.push({ first, samples: [...samples] })),
  };
}

const quantum = (...values: number[]) => Float32Array.from(values, (value) => value / 32768);

it("fills blocks across quanta and numbers them by frame", () => {
  const { got, blocks } = collector(3);
  blocks.append([quantum(1, 2)], 0);
  blocks.append([quantum(3, 4)], 2);
  blocks.append([quantum(5, 6)], 4);
  expect(got).toEqual([
    { first: 0, samples: [1, 2, 3] },
    { first: 3, samples: [4, 5, 6] },
  ]);
});

it("never joins what is apart: a hole ends the block", () => {
  const { got, blocks } = collector(3);
  blocks.append([quantum(0, 1, 2, 3)], 1000);
  blocks.append([quantum(4, 5)], 1128);
  blocks.flush();
  blocks.flush();
  expect(got).toEqual([
    { first: 0, samples: [0, 1, 2] },
    { first: 3, samples: [3] },
    { first: 128, samples: [4, 5] },
  ]);
});

it("begins when the device has started for good", () => {
  const { got, blocks } = collector(2);
  blocks.append([quantum(7)], 500);
  blocks.append([quantum(1, 2)], 900);
  expect(got).toEqual([{ first: 0, samples: [1, 2] }]);
});

it("mixes channels to mono and stays inside int16", () => {
  const { got, blocks } = collector(1);
  blocks.append([quantum(100), quantum(300)], 0);
  expect(got[0]?.samples).toEqual([200]);
  expect([toInt16(1), toInt16(-1), toInt16(-3), toInt16(0.5)]).toEqual([32767, -32768, -32768, 16384]);
});
