import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import type { LabState } from "../../src/lab/wire.ts";
import vadlab from "../../src/vadlab.ts";

const detector = {
  name: "silero",
  unit: "probability" as const,
  threshold: 0.5,
  neg_threshold: 0.35,
  min_silence_duration_ms: 300,
  min_speech_duration_ms: 100,
  speech_pad_ms: 0,
  max_speech_duration_s: 30,
  label: "silero",
  code: "vad = sp.SileroVad()",
};
const state: LabState = {
  type: "lab",
  name: "talk.flac",
  duration_s: 10,
  column_s: 0.01,
  active: 0,
  collar_ms: 0,
  span: [0, 10],
  detectors: [
    detector,
    { ...detector, name: "energy", unit: "energy", threshold: 500, neg_threshold: 350, label: "energy" },
  ],
  metrics: [null, null],
  noise: null,
  server: null,
  pinned: detector,
  can_undo: false,
  can_redo: false,
  saved: { path: null, at: null, error: null },
};

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[];

class Speakers {
  readonly currentTime = 0;
  close(): Promise<void> {
    return Promise.resolve();
  }
}

beforeEach(() => {
  vi.stubGlobal("AudioContext", Speakers);
  open("en");
});
afterEach(() => {
  for (const stop of stops.reverse()) stop();
  vi.unstubAllGlobals();
});

function open(locale: string): void {
  fake = new FakeModel({ locale });
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = vadlab();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
}

/** Speech from 2 to 4 and from 6 to 7, in frames of 100 ms. */
function listen(changes: Partial<LabState> = {}, truth: number[] = [2, 4]): void {
  fake.receive({ ...state, ...changes }, [new DataView(Float64Array.from(truth).buffer)]);
  const scores = Float32Array.from({ length: 100 }, (_, i) =>
    (i >= 20 && i < 40) || (i >= 60 && i < 70) ? 0.9 : 0.1,
  );
  for (const index of [0, 1])
    fake.receive({ type: "scores", index, hop: 1600, rate: 16000, length: 160000 }, [
      new DataView(index === 0 ? scores.buffer.slice(0) : scores.map((p) => 1000 * p).buffer),
    ]);
}

const frame = () => new Promise((resolve) => setTimeout(resolve, 40));
const commands = () =>
  fake.sent.flatMap(({ message }) =>
    message.type === "command" ? [{ name: message.name as string, args: message.args }] : [],
  );
const button = (name: string) => {
  const found = [...el.querySelectorAll("button")].find(
    (one) => (one.getAttribute("aria-label") ?? one.textContent) === name,
  );
  if (!found) throw new Error(`no button ${name}`);
  return found;
};
const press = (key: string, options: KeyboardEventInit = {}) =>
  el
    .querySelector(".lab-view")
    ?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, ...options }));
const active = () => [...el.querySelectorAll(".tbl tr.is-active td")].map((cell) => cell.textContent);

it("cuts the scores that come and judges them, before the kernel has", async () => {
  listen();
  await frame();
  expect(active()).toEqual(["Silero", "0.667", "1.000", "0.800", "50.0 %", "+0", "+0"]);
  expect(el.querySelector(".is-segments.is-active .sp-rail")?.textContent).toBe("2 segments");
  expect(el.querySelector(".is-errors.is-active .sp-rail")?.textContent).toBe("1.00 s wrong");
  expect(el.querySelector(".sp-status .counts")?.textContent).toContain("1 false alarm · 0 missed");
});

it("tells how far scoring is, stops it, and goes on", () => {
  const status = () => el.querySelector(".sp-status .msg")?.textContent?.trim();
  fake.receive(state, [new DataView(new ArrayBuffer(0))]);
  fake.receive({ type: "scoring", index: 0, share: 0.426 });
  expect(status()).toBe("Scoring with Silero. 42 %");
  expect(el.querySelector<HTMLProgressElement>(".sp-status progress")?.value).toBeCloseTo(0.426);
  button("Stop").click();
  expect(commands().at(-1)?.name).toBe("stop_scoring");
  expect(status()).toContain("Scoring was stopped.");
  button("Go on").click();
  expect(fake.sent.at(-1)?.message.type).toBe("hello");
  listen();
  expect(status()).toContain("Painting truth.");
});

it("scores only what is labelled, while its ends are moved too", async () => {
  listen({ span: [0, 5] });
  await frame();
  expect(active().slice(1, 5)).toEqual(["1.000", "1.000", "1.000", "0.0 %"]);
  expect(el.querySelector(".tbl-note")?.textContent).toContain("Scored: 00:00.0 to 00:05.0.");
  const end = el.querySelector<HTMLElement>(".lab-span[data-edge='1']");
  end?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", shiftKey: true, bubbles: true }));
  expect(commands().at(-1)).toEqual({ name: "set_span", args: { start_s: 0, end_s: 6 } });
  end?.dispatchEvent(new MouseEvent("dblclick"));
  expect(commands().at(-1)).toEqual({ name: "set_span", args: { start_s: 0, end_s: 10 } });
});

it("steps through errors, by buttons and keys, and says where it is", async () => {
  listen({}, [1, 1.5, 2, 4, 8, 9]);
  await frame();
  const label = () => [...el.querySelectorAll(".sp-step2 .lab")].map((one) => one.textContent);
  expect(label()).toEqual(["missed – of 2", "false alarm – of 1"]);
  button("Next missed").click();
  expect(label()[0]).toBe("missed 1 of 2");
  press("n");
  expect(label()[0]).toBe("missed 2 of 2");
  press("N", { shiftKey: true });
  expect(label()[0]).toBe("missed 1 of 2");
  press("f");
  expect(label()).toEqual(["missed – of 2", "false alarm 1 of 1"]);
  expect(
    commands()
      .filter(({ name }) => name === "audio")
      .at(-1)?.args,
  ).toEqual({ start_s: 5.5, end_s: 7.5 });
});

it("asks the kernel for edits, by keys that reach nobody else", async () => {
  listen();
  await frame();
  const outside: string[] = [];
  document.body.addEventListener("keydown", ({ key }) => outside.push(key));
  press("s");
  press("z", { ctrlKey: true });
  press("Z", { ctrlKey: true, shiftKey: true });
  press("2");
  const kinds = commands().map(({ name, args }) => (args as { kind?: string }).kind ?? name);
  expect(kinds.filter((kind) => kind !== "window" && kind !== "curve")).toEqual([
    "split",
    "undo",
    "redo",
    "set_active",
  ]);
  press("s", { ctrlKey: true });
  expect(outside).toEqual(["s"]);
});

it("moves a line by keys: the cut and the table follow at once", async () => {
  listen();
  await frame();
  const flag = el.querySelector<HTMLElement>(".is-active .sp-flag.is-start");
  flag?.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  await frame();
  expect(flag?.getAttribute("aria-valuetext")).toContain("1.00");
  expect(el.querySelector(".is-segments.is-active .sp-rail")?.textContent).toBe("0 segments");
  expect(active()[2]).toBe("0.000");
  expect(el.querySelector("[role=status]")?.textContent).toContain("2 segments before, 0 now.");
});

it("takes the kernel's numbers when nothing moves", async () => {
  listen();
  const metrics = {
    f1: 0.123,
    precision: 0.2,
    recall: 0.3,
    detection_error_rate: 0.4,
    false_alarm_rate: 0.5,
    onset_error_s: null,
    offset_error_s: -0.006,
  };
  listen({ metrics: [metrics, null] });
  await frame();
  expect(active()).toEqual(["Silero", "0.200", "0.300", "0.123", "40.0 %", "–", "−6"]);
});

it("lists the active detector's segments for those who do not see the picture", async () => {
  listen();
  const table = () => [...el.querySelectorAll(".sp-vh tr")].map((row) => row.textContent);
  await vi.waitFor(() => expect(table()).toHaveLength(3));
  expect(table().slice(1)).toEqual(["100:02.0000:04.002.00 s", "200:06.0000:07.001.00 s"]);
  expect(el.querySelector(".sp-vh caption")?.textContent).toBe("Segments of Silero");
});

it("speaks Chinese, and says in words what did not work", async () => {
  for (const stop of stops.reverse()) stop();
  open("zh-CN");
  listen({ saved: { path: null, at: null, error: "The labels cannot be saved." } });
  fake.receive({ type: "unscored", index: 1, text: "webrtcvad is missing." });
  await frame();
  expect(el.querySelector("section")?.getAttribute("aria-label")).toBe("VAD 实验室");
  expect(el.querySelector(".lab-truth .sp-name")?.textContent).toBe("真值");
  expect(el.querySelector("[role=status]")?.textContent).toContain("The labels cannot be saved.");
  expect(el.querySelectorAll(".lab-det small")[3]?.textContent).toBe("webrtcvad is missing.");
});

it("asks the server from the menu, and says that it waits and what did not work", async () => {
  listen();
  await frame();
  button("More").click();
  const ask = () =>
    [...el.querySelectorAll<HTMLElement>("[role=menuitem]")]
      .find((one) => one.textContent?.startsWith("Ask the server"))
      ?.click();
  ask();
  const status = () => el.querySelector("[role=status]")?.textContent;
  expect(status()).toContain("Asking the server.");
  const lastId = () =>
    fake.sent
      .map(({ message }) => message as { name?: string; id?: number })
      .findLast(({ name }) => name === "ask_server")?.id;
  const failure = { kind: "x", title: "", text: "The server cannot be reached.", detail: "", actions: [] };
  fake.receive({ type: "reply", id: lastId(), error: failure, data: {} }, []);
  await frame();
  expect(status()).toContain("The server cannot be reached.");
  button("More").click();
  ask();
  const server = { threshold: 0.75, min_silence_duration_ms: 550, metrics: null };
  const pairs = new DataView(Float64Array.of(2, 4).buffer);
  fake.receive({ ...state, server }, [pairs, pairs]);
  fake.receive({ type: "reply", id: lastId(), error: null, data: {} }, []);
  await frame();
  expect(status()).toContain("The server finds 1 segment (threshold 0.75, silence 550 ms).");
});

it("shows the server's own verdict as a lane and a row, and judges it while the truth is painted", async () => {
  listen();
  await frame();
  const lane = el.querySelector<HTMLElement>(".lab-server");
  expect(lane?.hidden).toBe(true);
  expect(el.querySelectorAll(".tbl tbody tr")).toHaveLength(2);
  const server = { threshold: 0.5, min_silence_duration_ms: 300, metrics: null };
  const pairs = (...times: number[]) => new DataView(Float64Array.from(times).buffer);
  fake.receive({ ...state, server }, [pairs(2, 4), pairs(2.1, 4, 6, 7)]);
  await frame();
  expect(lane?.hidden).toBe(false);
  expect(lane?.previousElementSibling?.className).toContain("lab-truth");
  expect(lane?.querySelector(".sp-name")?.textContent).toBe("Server VAD");
  expect(lane?.querySelector(".sp-rail")?.textContent).toBe("2 segments");
  expect(lane?.title).toBe("threshold 0.50, silence 300 ms");
  const row = [...el.querySelectorAll(".tbl tbody tr:last-child td")].map((cell) => cell.textContent);
  expect(row).toEqual(["Server", "0.655", "0.950", "0.776", "55.0 %", "+100", "+0"]);
});

it("lets go of everything when it ends", () => {
  listen();
  for (const stop of stops.splice(0).reverse()) stop();
  expect(fake.listeners).toBe(0);
  expect(el.childElementCount).toBe(0);
});

it("keeps what it shows when the kernel has gone, says so, and takes nothing more", async () => {
  listen();
  await frame();
  const before = active();
  fake.emit("comm_live_update");
  expect(el.querySelector(".sp-status .msg")?.textContent).toContain("The kernel was restarted.");
  const asked = commands().length;
  press("s");
  const flag = el.querySelector<HTMLElement>(".is-active .sp-flag.is-start");
  flag?.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 400)); // until the line is applied
  expect(commands()).toHaveLength(asked);
  expect(active()).toEqual(before);
  expect(flag?.getAttribute("aria-valuetext")).toContain("0.50");
});

it("says on hover what each row shows and where it is in Python", async () => {
  listen();
  await frame();
  const names = [...el.querySelectorAll<HTMLElement>(".sp-name")].filter(({ textContent }) => textContent);
  expect(names.filter(({ title }) => !title.includes("lab."))).toEqual([]);
});
