import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel, type Given } from "../../dev/fake-model.ts";
import transcriber from "../../src/transcriber.ts";
import { moved, together } from "../../src/view/flags.ts";
import { lineAt } from "../../src/view/line-drag.ts";
import { scaleOf } from "../../src/view/scale.ts";
import type { Detector } from "../../src/wire/messages.ts";

const TENTH_PX = 10.8; // of a row 130 px high, less its margins in a narrow view

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[] = [];

const SERVER: Given = {
  turn_detection_kind: "server",
  server_turn_detection: { threshold: 0.9, silence_duration_ms: 550 },
  state: "listening",
};

function open(traits: Given = {}): void {
  fake = new FakeModel({ locale: "en", ...traits });
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
}

beforeEach(() => {
  // 130 px high, as no layout is done here
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 700, 130));
});
afterEach(() => {
  for (const stop of stops.reverse()) stop();
  vi.restoreAllMocks();
});

const commands = () =>
  fake.sent.flatMap(({ message }) => (message.type === "command" ? [[message.name, message.args]] : []));
const frame = () => new Promise((resolve) => setTimeout(resolve, 40));
const flag = (which: "start" | "release") => el.querySelector(`.sp-flag.is-${which}`) as HTMLElement;
const value = (which: "start" | "release") => flag(which).querySelector("b")?.textContent;
const pointer = (target: EventTarget, type: string, y: number, shiftKey = false) =>
  target.dispatchEvent(
    new PointerEvent(type, { clientX: 10, clientY: y, bubbles: true, button: 0, pointerId: 1, shiftKey }),
  );
async function drag(which: "start" | "release", by: number, shiftKey = false): Promise<void> {
  flag(which).setPointerCapture = () => {};
  pointer(flag(which), "pointerdown", 60);
  pointer(window, "pointermove", 60 + by, shiftKey);
  await frame();
}

describe("dragging a line", () => {
  it("shows where it was, and tells the kernel only when it is let go", async () => {
    open();
    await frame();
    await drag("start", -TENTH_PX);
    expect(value("start")).toBe("p ≥ 0.60");
    expect(el.querySelector(".sp-was")?.textContent).toBe("was 0.50");
    expect(el.querySelector(".sp-status")?.textContent).toContain("Start 0.50 → 0.60.");
    expect(commands()).toEqual([]);
    pointer(window, "pointerup", 48);
    expect(commands()).toEqual([["set_detector", { threshold: 0.6 }]]);
    await frame();
    expect((el.querySelector(".sp-was") as HTMLElement).hidden).toBe(true);
  });

  it("takes its partner along, which comes back with it", async () => {
    open();
    await frame();
    await drag("start", 3 * TENTH_PX);
    pointer(window, "pointerup", 90);
    const now = fake.model.get("_detector") as Detector;
    fake.set("detector", { ...now, threshold: 0.2, neg_threshold: 0.2 });
    await frame();
    expect([value("start"), value("release")]).toEqual(["p ≥ 0.20", "p < 0.20"]);
    await drag("start", -2 * TENTH_PX);
    expect([value("start"), value("release")]).toEqual(["p ≥ 0.40", "p < 0.35"]);
  });

  it("pushes its partner along; with Shift both keep their distance", async () => {
    open();
    await frame();
    await drag("start", 3 * TENTH_PX);
    expect([value("start"), value("release")]).toEqual(["p ≥ 0.20", "p < 0.20"]);
    pointer(window, "pointermove", 60 + TENTH_PX, true);
    await frame();
    expect([value("start"), value("release")]).toEqual(["p ≥ 0.40", "p < 0.25"]);
  });

  it("is put back by Esc", async () => {
    open();
    await frame();
    await drag("release", -TENTH_PX);
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    pointer(window, "pointerup", 48);
    await frame();
    expect(value("release")).toBe("p < 0.35");
    expect(commands()).toEqual([]);
  });

  it("is put back when the kernel refuses", async () => {
    open();
    await frame();
    await drag("start", -TENTH_PX);
    pointer(window, "pointerup", 48);
    const id = fake.sent.map(({ message }) => message).findLast((message) => message.type === "command");
    const error = { kind: "input", title: "No", text: "no" };
    fake.receive({ type: "reply", id: (id as { id: number }).id, error });
    await frame();
    expect(value("start")).toBe("p ≥ 0.50");
  });

  it("goes back to the detector's default by a double click", async () => {
    open({ detector: { threshold: 0.8, neg_threshold: 0.2 } });
    await frame();
    flag("release").dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    expect(commands()).toEqual([["set_detector", { threshold: 0.5, neg_threshold: 0.35 }]]);
  });

  it("takes a typed value", async () => {
    open();
    await frame();
    flag("release").querySelector("b")?.click();
    const field = el.querySelector(".sp-flag-field") as HTMLInputElement;
    expect(field.value).toBe("0.35");
    field.value = "0,2";
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(commands()).toEqual([["set_detector", { neg_threshold: 0.2 }]]);
  });
});

describe("while the server cuts", () => {
  it("the lines are its; they stay dotted until it has confirmed", async () => {
    open(SERVER);
    await frame();
    expect([value("start"), value("release")]).toEqual(["p ≥ 0.90", "p < 0.75"]);
    await drag("start", TENTH_PX);
    pointer(window, "pointerup", 72);
    expect(commands()).toEqual([
      ["set_turn_detection", { kind: "server", threshold: 0.8, silence_duration_ms: 550 }],
    ]);
    fake.set("server_turn_detection", { threshold: 0.8, silence_duration_ms: 550 });
    await frame();
    expect(flag("start").className).toContain("is-asked");
    const confirmed = { type: "reconfigured", time_s: 1, turn_detection: { threshold: 0.82 } };
    fake.receive({ type: "events", events: [confirmed] });
    await frame();
    expect(flag("start").className).not.toContain("is-asked");
    expect(value("start")).toBe("p ≥ 0.82");
  });
});

describe("what is under the pointer", () => {
  const lines = { yOf: (line: string) => (line === "threshold" ? 40 : 48) };

  it("is the nearer line within 5 px", () => {
    expect([34, 36, 43, 45, 53, 54].map((y) => lineAt(y, lines))).toEqual([
      null,
      "threshold",
      "threshold",
      "neg_threshold",
      "neg_threshold",
      null,
    ]);
  });
});

it("moves by keys in the steps of its unit", () => {
  const by = (unit: Detector["unit"], value: number, key: string, shiftKey = false) =>
    moved({ key, shiftKey }, value, scaleOf(unit));
  expect(by("probability", 0.5, "ArrowUp", true)).toBe(0.6);
  expect(by("energy", 500, "ArrowDown")).toBe(495);
  expect(by("dBFS", -40, "PageUp")).toBe(-35);
  expect(by("probability", 0.95, "PageUp")).toBe(1);
  expect(by("probability", 0.5, "x")).toBeNull();
});

it("keeps both lines inside the row", () => {
  const from = { unit: "probability", threshold: 0.5, neg_threshold: 0.35 } as Detector;
  expect(together("threshold", 1, { ...from }, scaleOf("probability")).threshold).toBe(1);
  expect(together("neg_threshold", 0, { ...from }, scaleOf("probability"))).toEqual({
    threshold: 0.15,
    neg_threshold: 0,
  });
});

it("puts values where they are read off, in every unit", () => {
  for (const unit of ["probability", "energy", "dBFS", "dB"] as const) {
    const scale = scaleOf(unit);
    for (const share of [0.1, 0.4, 0.9]) expect(scale.share(scale.value(share))).toBeCloseTo(share);
  }
});
