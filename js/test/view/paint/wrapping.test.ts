import { expect, it } from "vitest";
import { Wrapping } from "../../../src/view/paint/wrapping.ts";
import { fakeContext } from "./helpers.ts";

const rows = (text: string, room: number) => new Wrapping(3).rows(fakeContext().context, text, room);

it("breaks words into rows, and never in one", () => {
  expect(rows("hello", 50)).toEqual(["hello"]);
  expect(rows("good morning, everyone", 90)).toEqual(["good", "morning,", "everyone"]);
  expect(rows("good morning, everyone", 130)).toEqual(["good morning,", "everyone"]);
});

it("shows as many words as fit, and that there are more", () => {
  expect(rows("it is worth mentioning in passing", 60)).toEqual(["it is", "worth…"]);
  expect(rows("a b c d e f g", 30)).toEqual(["a b", "c d", "e…"]);
  expect(rows("morning", 60)).toEqual(["…"]);
  expect(rows("morning", 5)).toEqual([]);
});

it("breaks scripts without spaces between characters, with their punctuation", () => {
  expect(rows("你好，世界和平", 30)).toEqual(["你好，", "世界和", "平"]);
  expect(rows("x".repeat(60), 240)).toEqual(["x".repeat(24), "x".repeat(24), "x".repeat(12)]);
});

it("finds the least width in which all words have a row", () => {
  const width = new Wrapping(3).narrowest(fakeContext().context, "this is a short test of speech");
  expect(width).toBe(101); // this is a / short test / of speech
  expect(rows("this is a short test of speech", width)).toHaveLength(3);
});

it("does not measure a text of 100,000 characters", () => {
  const { context, measured } = fakeContext();
  new Wrapping(3).rows(context, "x".repeat(100_000), 100);
  expect(measured.join("").length).toBeLessThan(1_000);
});

it("remembers what it measured", () => {
  const { context, measured } = fakeContext();
  const wrapping = new Wrapping(3);
  wrapping.rows(context, "good morning", 120);
  const before = measured.length;
  wrapping.rows(context, "good morning", 60);
  expect(measured.length - before).toBeLessThan(2); // the sign alone
});
