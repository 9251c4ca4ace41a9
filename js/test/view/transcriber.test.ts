import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import transcriber from "../../src/transcriber.ts";
import type { ToKernel } from "../../src/wire/messages.ts";

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[];

function open(locale = "en"): void {
  fake = new FakeModel({ locale });
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
}

beforeEach(() => open());
afterEach(() => {
  for (const stop of stops.reverse()) stop();
  vi.useRealTimers();
});

const button = (name: string) => {
  const found = [...el.querySelectorAll("button")].find(
    (b) => (b.getAttribute("aria-label") ?? b.textContent) === name,
  );
  if (!found) throw new Error(`no button ${name}`);
  return found;
};
const commands = () =>
  fake.sent.map(({ message }) => message).filter((message) => message.type === "command");
const reply = (error: object | null) => {
  const last = commands().at(-1) as Extract<ToKernel, { type: "command" }>;
  fake.receive({ type: "reply", id: last.id, error });
};
const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

it("says hello once, however many views there are", () => {
  expect(fake.sent.map(({ message }) => message.type)).toEqual(["hello"]);
});

it("shows the same session in every view", () => {
  const other = document.createElement("div");
  document.body.append(other);
  const widget = transcriber();
  stops.push(widget.initialize({ model: fake.model }));
  for (const place of [other, other]) stops.push(widget.render({ model: fake.model, el: place }));
  const event = {
    type: "final",
    item_id: "a",
    start_s: 0,
    end_s: 1,
    text: "Hello.",
    language: "en",
    latency_s: 1,
  };
  fake.receive({ type: "events", events: [event] });
  const texts = [...other.querySelectorAll("[role=log]")].map(
    (log) => log.querySelector(".body")?.textContent,
  );
  expect(texts).toEqual(["Hello.", "Hello."]);
  expect(fake.sent.filter(({ message }) => message.type === "hello")).toHaveLength(2);
});

it("sends what the buttons say in each state", () => {
  button("Record").click();
  fake.set("state", "listening");
  button("Pause").click();
  fake.set("state", "paused");
  button("Resume").click();
  button("Stop").click();
  expect(commands().map(({ name }) => name)).toEqual(["start", "pause", "resume", "stop"]);
});

it("shows a refused command in words, and forgets it at the next try", async () => {
  button("Record").click();
  reply({
    kind: "server",
    title: "No server",
    text: "Start one, then try again.",
    actions: [{ name: "retry" }],
  });
  await settled();
  const panel = el.querySelector("[role=alert]") as HTMLElement;
  expect(panel.hidden).toBe(false);
  expect(panel.querySelector("h3")?.textContent).toBe("No server");
  button("Try again").click();
  await settled();
  expect(panel.hidden).toBe(true);
  expect(commands().map(({ name }) => name)).toEqual(["start", "start"]);
});

it("has its own words for what the browser does with the microphone", async () => {
  fake.set("error", { kind: "denied", title: "x", text: "y", detail: "NotAllowedError", actions: [] });
  await settled();
  expect(el.querySelector("[role=alert] h3")?.textContent).toBe("The browser blocked the microphone");
  expect(el.querySelectorAll("[role=alert] button")).toHaveLength(3);
  button("Use the kernel’s microphone").click();
  expect(commands().at(-1)).toMatchObject({ name: "set_source", args: { kind: "kernel" } });
});

it("changes language while it is shown", () => {
  fake.set("locale", "zh-CN");
  expect(el.querySelectorAll(".sp")).toHaveLength(1);
  expect(el.querySelector(".sp-rec")?.textContent).toBe("录音");
});

describe("the numbers of the detector", () => {
  const field = (option: string) => el.querySelector(`[data-option=${option}]`) as HTMLInputElement;
  const type = (option: string, text: string) => {
    field(option).value = text;
    field(option).dispatchEvent(new Event("change"));
  };

  it("are sent as typed; start and release push each other", () => {
    type("threshold", "0.62");
    expect(commands().at(-1)).toMatchObject({ name: "set_detector", args: { threshold: 0.62 } });
    type("threshold", "0,2");
    expect(commands().at(-1)).toMatchObject({ args: { threshold: 0.2, neg_threshold: 0.2 } });
  });

  it("are put back when they are refused or make no sense", async () => {
    type("min_silence_duration_ms", "many");
    expect(commands()).toEqual([]);
    expect(field("min_silence_duration_ms").getAttribute("aria-invalid")).toBe("true");
    type("threshold", "7");
    reply({ kind: "input", title: "7 is no probability", text: "threshold lies between 0 and 1." });
    await settled();
    expect(field("threshold").value).toBe("0.50");
    expect(el.querySelector("[role=status]")?.textContent).toContain("7 is no probability");
  });
});

it("drives the thresholds with the keyboard and tells the kernel once", async () => {
  const flag = el.querySelector("[role=slider]") as HTMLElement;
  for (let i = 0; i < 3; i++)
    flag.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(commands().map(({ args }) => args)).toEqual([{ threshold: 0.53 }]);
});

it("stops everything with the view, and lets go of the model with the widget", () => {
  const [initialised, rendered] = stops;
  rendered?.();
  expect(el.children).toHaveLength(0);
  expect(fake.listeners).toBeGreaterThan(0);
  initialised?.();
  expect(fake.listeners).toBe(0);
});

it("names a key only where it acts", () => {
  const step = el.querySelector(".sp-step.is-first");
  expect(step?.textContent).toBe("1Press Record, or R, and say a sentence.");
  expect(step?.querySelector(".for-keys")?.textContent).toBe(", or R,");
});

it("says on hover what each row shows and where it is in Python", () => {
  const names = [...el.querySelectorAll<HTMLElement>(".sp-name")].filter(({ textContent }) => textContent);
  expect(names).toHaveLength(8);
  expect(names.filter(({ title }) => title === "")).toEqual([]);
  expect(el.querySelector<HTMLElement>(".sp-text .sp-name")?.title).toContain("w.transcript");
});
