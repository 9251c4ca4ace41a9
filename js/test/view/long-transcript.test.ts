import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { en } from "../../src/i18n/en.ts";
import { Scope } from "../../src/scope.ts";
import { TranscriptView } from "../../src/view/transcript.ts";
import { type Bench, bench } from "./helpers.ts";

const BOX_PX = 160;
const ROW_PX = 40; // not what is assumed of a row that nobody has seen
const ROWS = 5000;

let kernel: Bench;
let view: TranscriptView;
let chosen: string[];
const rect = HTMLElement.prototype.getBoundingClientRect;

const rows = () => [...view.node.querySelectorAll<HTMLElement>("li")];
const keys = () => rows().map((li) => li.dataset.key);
const row = (key: string) => view.node.querySelector<HTMLElement>(`[data-key=${key}]`);
const log = () => view.node.querySelector("[role=log]") as HTMLElement;
const final = (i: number) =>
  ({
    type: "final",
    item_id: `i${i}`,
    start_s: i * 4,
    end_s: i * 4 + 3,
    text: `Words ${i}.`,
    language: null,
    latency_s: 0.4,
  }) as const;
const fill = (count: number) => kernel.say(...Array.from({ length: count }, (_, i) => final(i)));
const press = (node: HTMLElement, key: string) =>
  node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const height = () =>
  [...view.node.querySelectorAll<HTMLElement>("div[aria-hidden]")].reduce(
    (sum, space) => sum + Number.parseFloat(space.style.height || "0"),
    rows().length * ROW_PX,
  );

/** Where a row stands in the box, from the rows and spaces before it. */
function place(key: string): number {
  let top = -view.node.scrollTop;
  for (const node of view.node.querySelectorAll<HTMLElement>("div[aria-hidden], li")) {
    if (node.dataset.key === key) return top;
    top += node.tagName === "LI" ? ROW_PX : Number.parseFloat(node.style.height || "0");
  }
  throw new Error(`${key} is not in the page`);
}

function scrollTo(top: number): void {
  view.node.scrollTop = top;
  view.node.dispatchEvent(new Event("scroll"));
}

beforeEach(() => {
  // happy-dom lays nothing out: every row is as high as every other
  HTMLElement.prototype.getBoundingClientRect = function () {
    return new DOMRect(0, 0, 0, this.tagName === "LI" ? ROW_PX : 0);
  };
  kernel = bench();
  chosen = [];
  const { lines } = kernel.app.session;
  view = new TranscriptView(
    en,
    lines,
    () => en.empty,
    (line) => chosen.push(line.key),
    new Scope(),
  );
  Object.defineProperty(view.node, "clientHeight", { get: () => BOX_PX });
  Object.defineProperty(view.node, "scrollHeight", { get: height });
  document.body.replaceChildren(view.node);
});

afterEach(() => {
  getSelection()?.removeAllRanges();
  HTMLElement.prototype.getBoundingClientRect = rect;
});

it("has all rows of a short session in the page, all of them in the log", () => {
  fill(200);
  expect(log().querySelectorAll(":scope > ol:not([aria-live]) > li")).toHaveLength(200);
  expect(view.node.querySelectorAll("div[aria-hidden]:not([hidden])")).toHaveLength(0);
});

it("has some hundred rows of a long session in the page, and room for the others", () => {
  fill(ROWS);
  expect(rows().length).toBeLessThanOrEqual(250);
  expect(height()).toBeCloseTo(ROWS * ROW_PX, 0);
  expect(keys().at(-1)).toBe(`i${ROWS - 1}`);
  expect(view.node.scrollTop).toBe(height());
});

describe("a reader who scrolls back", () => {
  beforeEach(() => fill(ROWS));

  it("finds the rows of that time, in order, and not read out", () => {
    scrollTo(1000 * ROW_PX);
    const shown = keys().map((key) => Number(key?.slice(1)));
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    for (let i = 995; i < 1010; i++)
      expect(row(`i${i}`)?.closest("[aria-live]")).toBe(row("i1000")?.closest("ol"));
    expect(row("i1000")?.closest("ol")?.getAttribute("aria-live")).toBe("off");
    expect(place("i1000")).toBeCloseTo(0, 0);
    expect(rows().length).toBeLessThanOrEqual(250);
  });

  it("has rows wherever the box is on the way up", () => {
    for (let top = height() - BOX_PX; top > height() - 160 * ROW_PX; top = view.node.scrollTop - 90) {
      scrollTo(top);
      const seen = keys().filter((key) => {
        const y = place(String(key));
        return y > -ROW_PX && y < BOX_PX;
      });
      expect(seen.length).toBeGreaterThanOrEqual(BOX_PX / ROW_PX);
      expect(rows().length).toBeLessThanOrEqual(250);
    }
  });

  it("stays there while the end goes on in the log", () => {
    scrollTo(1000 * ROW_PX);
    const top = view.node.scrollTop;
    for (let i = ROWS; i < ROWS + 80; i++) kernel.say(final(i));
    expect(view.node.scrollTop).toBe(top);
    expect(place("i1000")).toBeCloseTo(0, 0);
    expect(row(`i${ROWS + 79}`)?.closest("[aria-live]")).toBe(log());
    expect(rows().length).toBeLessThanOrEqual(250);
  });

  it("keeps every row that is there while text is selected", () => {
    scrollTo(1000 * ROW_PX);
    const [a, b] = [row("i1000"), row("i1003")];
    if (!a || !b) throw new Error("not in the page");
    getSelection()?.setBaseAndExtent(a, 0, b, 1);
    scrollTo(1100 * ROW_PX);
    expect([row("i1000"), row("i1003")]).toEqual([a, b]);
    expect(row("i1100")).not.toBeNull();
    getSelection()?.removeAllRanges();
    scrollTo(3000 * ROW_PX);
    expect(row("i1000")).toBeNull();
    expect(rows().length).toBeLessThanOrEqual(250);
  });
});

describe("the end of a long session", () => {
  beforeEach(() => fill(ROWS));

  it("takes new finals into the log and follows them", () => {
    for (let i = ROWS; i < ROWS + 80; i++) {
      kernel.say({ type: "partial", item_id: `i${i}`, start_s: i * 4, text: "wor" });
      const before = row(`i${i}`);
      expect(log().contains(before)).toBe(false);
      kernel.say(final(i));
      expect(row(`i${i}`)).toBe(before);
      expect(before?.closest("[aria-live]")).toBe(log());
      expect(view.node.scrollTop).toBe(view.node.scrollHeight);
      expect(rows().length).toBeLessThanOrEqual(250);
    }
  });

  it("is gone with the recording", () => {
    kernel.app.session.lines.clear();
    expect([rows().length, height()]).toEqual([0, 0]);
    fill(3);
    expect(keys()).toEqual(["i0", "i1", "i2"]);
  });
});

describe("rows that are not in the page", () => {
  beforeEach(() => fill(ROWS));

  it("come there when they are selected", () => {
    view.select("i42");
    expect(row("i42")?.getAttribute("aria-current")).toBe("true");
    expect(place("i42")).toBeGreaterThanOrEqual(0);
    expect(place("i42")).toBeLessThan(BOX_PX);
    view.select("i4000");
    expect(row("i4000")?.classList.contains("is-sel")).toBe(true);
    expect(row("i42")).toBeNull();
    view.select("i42");
    view.select(null);
    expect(row("i42")?.getAttribute("aria-current")).toBeNull();
  });

  it("are reached with the arrow keys, which go on from the row that had the focus", () => {
    const last = row(`i${ROWS - 1}`);
    last?.focus();
    for (let i = 0; i < 120; i++) press(document.activeElement as HTMLElement, "ArrowUp");
    expect((document.activeElement as HTMLElement).dataset.key).toBe(`i${ROWS - 121}`);
    scrollTo(100 * ROW_PX);
    expect(document.activeElement).toBe(view.node);
    press(view.node, "ArrowDown");
    expect((document.activeElement as HTMLElement).dataset.key).toBe(`i${ROWS - 120}`);
    press(document.activeElement as HTMLElement, "Enter");
    expect(chosen).toEqual([`i${ROWS - 120}`]);
    expect(rows().filter(({ tabIndex }) => tabIndex === 0)).toEqual([document.activeElement]);
  });
});
