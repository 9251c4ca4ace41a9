import { expect, it } from "vitest";
import { en } from "../../src/i18n/en.ts";
import { zhCN } from "../../src/i18n/zh-cn.ts";
import { clock, decibel, languageTag, span, threshold } from "../../src/view/format.ts";

it.each([
  [0, 1, "00:00.0"],
  [21.4, 1, "00:21.4"],
  [59.96, 1, "00:59.9"],
  [75, 0, "01:15"],
  [3661.2, 1, "1:01:01"],
])("the clock shows %s s with %s decimals as %s", (time_s, decimals, text) => {
  expect(clock(time_s, decimals)).toBe(text);
});

it("writes levels with a true minus sign and silence as a dash", () => {
  expect([decibel(-18.4), decibel(-0.04, 1), decibel(0, 1), decibel(null), decibel(-Infinity)]).toEqual([
    "−18",
    "0.0",
    "0.0",
    "–",
    "–",
  ]);
});

it("shows thresholds in the unit of their detector", () => {
  expect([threshold(0.5, "probability"), threshold(499.6, "energy")]).toEqual(["0.50", "500"]);
});

it("names the length of the window in the reader's language", () => {
  expect([span(24, en), span(90, en), span(7200, en), span(24, zhCN)]).toEqual([
    "24 s",
    "1.5 min",
    "2 h",
    "24 秒",
  ]);
});

it("tags Chinese by the characters in which it is written", () => {
  const tags = ["广州市", "廣州市", "人民"].map((text) => languageTag({ language: "zh", text }));
  expect(tags).toEqual(["zh-CN", "zh-TW", "zh-CN"]);
  expect(languageTag({ language: "ja", text: "学校" })).toBe("ja");
});
