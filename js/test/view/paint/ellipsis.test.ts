import { expect, it } from "vitest";
import { Ellipsis } from "../../../src/view/paint/ellipsis.ts";
import { fakeContext } from "./helpers.ts";

it("leaves words that fit as they are", () => {
  expect(new Ellipsis().fit(fakeContext().context, "hello", 50)).toBe("hello");
});

it("cuts at the last character that fits with the sign behind it", () => {
  const { context } = fakeContext();
  expect(new Ellipsis().fit(context, "good morning", 80)).toBe("good mo…");
  expect(new Ellipsis().fit(context, "good morning", 60)).toBe("good…"); // no space before the sign
  expect(new Ellipsis().fit(context, "你好，世界和平", 40)).toBe("你好，…");
});

it("shows nothing where not even one character fits", () => {
  expect(new Ellipsis().fit(fakeContext().context, "hello", 15)).toBe("");
});

it("never cuts a character in half", () => {
  expect(new Ellipsis().fit(fakeContext().context, "😀😀😀😀😀", 30)).toBe("😀😀…");
});

it("does not measure a text of 100,000 characters", () => {
  const { context, measured } = fakeContext();
  expect(new Ellipsis().fit(context, "x".repeat(100_000), 100)).toBe(`${"x".repeat(9)}…`);
  expect(Math.max(...measured.map(({ length }) => length))).toBeLessThan(500);
});

it("remembers what it cut, until there is other room", () => {
  const { context, measured } = fakeContext();
  const ellipsis = new Ellipsis();
  ellipsis.fit(context, "good morning", 80);
  const before = measured.length;
  ellipsis.fit(context, "good morning", 80);
  expect(measured).toHaveLength(before);
  expect(ellipsis.fit(context, "good morning", 120)).toBe("good morning");
});
