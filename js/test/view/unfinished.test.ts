import { afterEach, expect, it } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import transcriber from "../../src/transcriber.ts";
import { dayAndTime } from "../../src/view/format.ts";
import type { Unfinished } from "../../src/wire/messages.ts";

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.reverse()) stop();
});

const today = new Date();
today.setHours(12, 3, 0, 0);
const LEFT: Unfinished = { state: "offered", started_ms: today.getTime(), duration_s: 754, without_text: 0 };

async function open(left: Partial<Unfinished>, locale = "en", state = "idle"): Promise<void> {
  fake = new FakeModel({ locale, state, unfinished: { ...LEFT, ...left } });
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
  await new Promise((resolve) => setTimeout(resolve, 30));
}

const said = () => el.querySelector(".sp-status .msg")?.textContent;
const ways = () => [...el.querySelectorAll<HTMLElement>(".sp-status .acts button")];
const asked = () => fake.sent.flatMap(({ message }) => (message.type === "command" ? [message.name] : []));

it.each([
  ["en", "A recording of 12:03 was not finished. It has 13 min of audio.", ["Open", "Dismiss"]],
  ["zh-CN", "12:03的录音没有正常结束。 其中有 13 分钟音频。", ["打开", "忽略"]],
])("offers what an earlier kernel left (%s)", async (locale, sentence, labels) => {
  await open({}, locale);
  expect(said()).toBe(sentence);
  expect(ways().map((one) => one.textContent)).toEqual(labels);
  for (const way of ways()) way.click();
  expect(asked()).toEqual(["open_recording", "dismiss_recording"]);
});

it.each([
  ["en", "2 stretches have no text. The kernel stopped before it came.", "Transcribe"],
  ["zh-CN", "有 2 段没有文字。 内核停止时，文字还没有返回。", "转写"],
])("says what an open one lacks, and has it transcribed (%s)", async (locale, sentence, label) => {
  await open({ state: "opened", without_text: 2 }, locale, "stopped");
  expect(said()).toBe(sentence);
  expect(ways().map((one) => one.textContent)).toEqual([label]);
  ways()[0]?.click();
  expect(asked()).toEqual(["retry_recording"]);
  fake.set("unfinished", { ...LEFT, state: "retrying", without_text: 2 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(ways()).toEqual([]);
});

it("says nothing of it while somebody speaks", async () => {
  await open({}, "en", "listening");
  expect(said()).toContain("Listening.");
});

it("names the day of an older one", () => {
  const before = today.getTime() - 86_400_000;
  expect(dayAndTime(before, today.getTime(), "en")).toMatch(/^[A-Z][a-z]+ \d+, 12:03$/);
});
