import { beforeEach, describe, expect, it, vi } from "vitest";
import { en } from "../../src/i18n/en.ts";
import { Scope } from "../../src/scope.ts";
import { TranscriptView } from "../../src/view/transcript.ts";
import { stableLength } from "../../src/view/transcript-row.ts";
import { type Bench, bench } from "./helpers.ts";

let kernel: Bench;
let view: TranscriptView;
let chosen: string[];

beforeEach(() => {
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
  document.body.replaceChildren(view.node);
});

const final = (item_id: string, start_s: number, text: string) =>
  ({ type: "final", item_id, start_s, end_s: start_s + 1, text, language: "zh", latency_s: 1.9 }) as const;
const partial = (item_id: string, start_s: number, text: string) =>
  ({ type: "partial", item_id, start_s, text }) as const;
const log = () => view.node.querySelector("[role=log]") as HTMLElement;
const row = (key: string) => view.node.querySelector(`[data-key=${key}]`) as HTMLElement;

describe("what the server says", () => {
  const hostile = `<img src=x onerror="globalThis.hacked=1"><b>bold</b>`;

  it("stays text, as final and as partial", () => {
    kernel.say(final("a", 1, hostile), partial("b", 3, hostile));
    expect(view.node.querySelectorAll("img, b")).toHaveLength(0);
    expect(row("a").querySelector(".body")?.textContent).toBe(hostile);
    expect(row("b").querySelector(".body")?.textContent).toBe(`${hostile}…`);
  });

  it("carries its own language and direction", () => {
    kernel.say(final("a", 1, "你好"));
    const body = row("a").querySelector(".body");
    expect([body?.getAttribute("lang"), body?.getAttribute("dir")]).toEqual(["zh-CN", "auto"]);
  });
});

it("keeps the element of a row when its text becomes final, and only then reads it out", () => {
  kernel.say(partial("a", 1, "hello"));
  const before = row("a");
  expect(log().contains(before)).toBe(false);
  kernel.say(final("a", 1, "Hello."));
  expect(row("a")).toBe(before);
  expect(log().contains(before)).toBe(true);
});

it("says of an utterance without its text how far it has come, and counts how long the server is at it", () => {
  vi.useFakeTimers();
  const wait = (stage: "cut" | "committed", waited_s: number) =>
    kernel.say({ type: "waiting", utterances: [{ item_id: "a", start_s: 1, end_s: 2, stage, waited_s }] });
  const side = () => row("a").querySelector(".side")?.textContent;
  wait("cut", 0);
  expect([row("a").querySelector(".body")?.textContent, side()]).toEqual(["…", "heard"]);
  wait("committed", 0.5);
  expect(side()).toBe("recognising 0.5 s");
  vi.advanceTimersByTime(1000);
  expect(side()).toBe("recognising 1.5 s");
  kernel.say({ ...final("a", 1, "Hello."), cut_s: 0.5, taken_s: 0.6 });
  expect(side()).toBe("zh1.90 s");
  expect(row("a").querySelector<HTMLElement>(".is-lat")?.title).toBe(
    "1.90 s from the end of speech to the text: 0.50 s until the end was sure, 0.10 s on the way, 1.30 s to recognise it",
  );
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it("leaves a final below an older partial where it stands", () => {
  kernel.say(partial("a", 1, "slow"), partial("b", 3, "fast"), final("b", 3, "Fast."));
  const keys = () => [...view.node.querySelectorAll<HTMLElement>("li")].map((li) => li.dataset.key);
  expect(keys()).toEqual(["a", "b"]);
  kernel.say(final("a", 1, "Slow."));
  expect(keys()).toEqual(["a", "b"]);
  expect(log().querySelectorAll("li")).toHaveLength(2);
});

it("tells settled words from tentative ones, also to screen readers", () => {
  kernel.say({ ...partial("p", 5, "the quick fox"), stable: 9 });
  const body = row("p").querySelector(".body") as HTMLElement;
  const tail = body.querySelector(".tail");
  expect([body.firstChild?.textContent, tail?.textContent]).toEqual(["the quick ", "fox…"]);
  expect(tail?.getAttribute("aria-hidden")).toBe("true");
  expect(log().contains(body)).toBe(false); // nothing is read out before it is final
  kernel.say({ ...partial("p", 5, "the quick fix"), stable: 13 }, { ...partial("p", 5, "the quick") });
  expect(row("p").querySelector(".tail")?.hasAttribute("aria-hidden")).toBe(false);
  kernel.say({ ...partial("p", 5, "") });
  expect(row("p")).toBeNull();
});

it("marks unstable words, and losses", () => {
  kernel.say(partial("p", 5, "the quiet wor"));
  kernel.say(partial("p", 5, "the quick words"));
  expect(row("p").querySelector(".tail")?.textContent).toBe("quick words…");
  kernel.say(final("p", 5, "The quiet words."), {
    type: "warning",
    kind: "audio_lost",
    time_s: 2,
    text: "0.4 s lost",
  });
  expect(view.node.querySelector(".is-gap")?.textContent).toContain("0.4 s lost");
});

it("marks the words that the engine is not sure of, with its figure", () => {
  kernel.say({ ...final("a", 1, "it has <b>an</b> example"), unsure: [[7, 16, 37]] });
  const [word] = row("a").querySelectorAll(".unsure");
  expect([word?.textContent, word?.getAttribute("title")]).toEqual(["<b>an</b>", en.unsure(37)]);
  expect(row("a").querySelector(".body")?.textContent).toBe("it has <b>an</b> example");
});

it("selects by click and by keyboard, with one row in the focus order", () => {
  kernel.say(final("a", 1, "one"), final("b", 3, "two"));
  expect([row("a").tabIndex, row("b").tabIndex]).toEqual([-1, 0]);
  row("a").click();
  row("b").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(chosen).toEqual(["a", "b"]);
  view.select("b");
  expect(row("b").getAttribute("aria-current")).toBe("true");
});

describe("stableLength", () => {
  it.each([
    ["hello wor", "", -1, 0],
    ["hello world", "hello wor", -1, 6],
    ["hello world", "hello world", -1, 11],
    ["今天我们看", "今天我", -1, 3],
    ["hello world", "", 5, 5],
  ])("of %j after %j, told %i, is %i", (text, previous, stable, length) => {
    expect(stableLength({ text, stable }, previous)).toBe(length);
  });
});
