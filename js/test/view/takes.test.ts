import { afterEach, expect, it } from "vitest";
import { FakeModel, type Given } from "../../dev/fake-model.ts";
import transcriber from "../../src/transcriber.ts";

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.reverse()) stop();
});

const HOSTILE = "<img src=x onerror=alert(1)> 🎤";
const ROWS = [
  { number: 2, name: HOSTILE, started_ms: 0, duration_s: 41 },
  { number: 1, name: "", started_ms: 0, duration_s: 3_700 },
];

const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

async function open(traits: Given = {}): Promise<void> {
  fake = new FakeModel({
    locale: "en",
    state: "stopped",
    take: { number: 1, name: "", count: 2 },
    ...traits,
  });
  fake.onsend = (message) => {
    if (message.type !== "command") return;
    const said = [[[false, "good"] as const, [true, "morning"] as const]];
    const replies: Record<string, unknown> = {
      list_takes: { takes: ROWS },
      compare_takes: { sides: [said, []] },
    };
    const data = (replies[message.name] ?? {}) as Record<string, unknown>;
    fake.receive({ type: "reply", id: message.id, error: null, data });
  };
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
  await settled();
}

const picker = () => el.querySelector(".sp-take") as HTMLButtonElement;
const rows = () => [...el.querySelectorAll<HTMLElement>(".sp-menu [role^=menuitem]")];
const row = (label: string) => rows().find((one) => one.textContent?.startsWith(label)) as HTMLElement;
const button = (label: string) =>
  [...el.querySelectorAll("button")].find(
    (one) => (one.getAttribute("aria-label") ?? one.textContent) === label,
  ) as HTMLButtonElement;
const said = () => el.querySelector(".sp-status .msg")?.textContent;
const asked = () =>
  fake.sent.flatMap(({ message }) => (message.type === "command" ? [[message.name, message.args]] : []));

it.each([
  ["en", "Take 1"],
  ["zh-CN", "录音 1"],
])("names the take that is shown, and lists all of them (%s)", async (locale, name) => {
  await open({ locale });
  expect(picker().textContent).toBe(name);
  picker().click();
  await settled();
  expect(rows()[0]?.querySelector(".sp-fill")?.textContent).toBe(HOSTILE);
  expect(el.querySelector(".sp-menu img")).toBeNull();
  expect(rows()[1]?.textContent).toContain("1:01:40");
  expect(rows()[1]?.getAttribute("aria-checked")).toBe("true");
  rows()[0]?.click();
  expect(asked().at(-1)).toEqual(["show_take", { number: 2 }]);
});

it("is not there before anything was recorded", async () => {
  await open({ take: null, state: "idle" });
  expect(picker().hidden).toBe(true);
});

it("lays two takes side by side, with what only one of them has", async () => {
  await open();
  picker().click();
  await settled();
  row("Compare with").click();
  expect(rows().map((one) => one.textContent)).toEqual([HOSTILE]);
  rows()[0]?.click();
  await settled();
  expect(asked().at(-1)).toEqual(["compare_takes", { number: 1, with: 2 }]);
  const sides = [...el.querySelectorAll<HTMLElement>(".sp-beside section")];
  expect(sides.map((side) => side.querySelector("h4")?.textContent)).toEqual(["Take 1", HOSTILE]);
  expect(sides.map((side) => side.querySelector("p")?.textContent)).toEqual([
    "good morning ",
    "No words yet.",
  ]);
  expect(sides[0]?.querySelector("mark")?.textContent).toBe("morning");
  expect(el.querySelector(".sp-menu img")).toBeNull();
});

it("renames a take, and removes one with a way back", async () => {
  await open();
  picker().click();
  await settled();
  row("Rename").click();
  const field = el.querySelector(".sp-menu input") as HTMLInputElement;
  expect(field.value).toBe("Take 1");
  field.value = "Anna";
  button("Save").click();
  expect(asked().at(-1)).toEqual(["rename_take", { number: 1, name: "Anna" }]);
  picker().click();
  await settled();
  row("Remove").click();
  await settled();
  expect(said()).toContain("“Take 1” was removed.");
  button("Undo").click();
  await settled();
  expect(asked().slice(-2)).toEqual([
    ["remove_take", { number: 1 }],
    ["restore_take", {}],
  ]);
  expect(said()).not.toContain("removed");
});

it("says why no other can be looked at while one is recorded", async () => {
  await open({ state: "listening" });
  picker().click();
  await settled();
  expect(rows().map((one) => one.textContent)).toEqual(["Rename…"]);
  expect(el.querySelector(".sp-menu")?.textContent).toContain("Stop the recording to look at another take.");
});

it("keeps stop where it is: two clicks at one place end no recording", async () => {
  await open({ state: "listening" });
  const [big, small] = el.querySelectorAll<HTMLButtonElement>(".sp-head button");
  small?.click();
  fake.set("state", "paused");
  await settled();
  small?.click();
  expect(big?.textContent).toBe("Stop");
  fake.set("state", "stopped");
  await settled();
  big?.dispatchEvent(new MouseEvent("click", { detail: 1, bubbles: true }));
  fake.set("state", "listening");
  await settled();
  big?.dispatchEvent(new MouseEvent("click", { detail: 2, bubbles: true }));
  expect(asked().map(([name]) => name)).toEqual(["pause", "resume", "start"]);
});

it("opens a file that is dropped on it, calls it by its name, and lets it go faster", async () => {
  await open({ state: "idle", take: null });
  const file = new File(["RIFF"], "lecture.wav");
  const drop = () => {
    const event = new Event("drop", { bubbles: true, cancelable: true });
    Object.assign(event, { dataTransfer: { types: ["Files"], files: [file] } });
    el.querySelector(".sp-view")?.dispatchEvent(event);
    return event;
  };
  expect(drop().defaultPrevented).toBe(true);
  await settled();
  expect(asked().map(([name]) => name)).toEqual(["set_source", "start"]);
  for (const [name, value] of [
    ["source_kind", "file"],
    ["source_label", "lecture.wav"],
    ["source_duration_s", 133],
    ["state", "listening"],
  ] as const)
    fake.set(name, value);
  await settled();
  expect(el.querySelector(".sp-time")?.textContent).toContain("Playing");
  expect(said()).toBe("lecture.wav, 02:13, in real time.");
  button("As fast as possible").click();
  expect(asked().at(-1)).toEqual(["set_pace", { pace: 0 }]);
  drop();
  await settled();
  expect(said()).toContain("Stop the recording first.");
});

it("says how much of a file is read, and gives it up when asked to", async () => {
  await open({ state: "idle", take: null });
  const answer = fake.onsend;
  fake.onsend = (message) => {
    if (message.type !== "command" || message.name !== "set_source") answer?.(message, []);
  };
  const event = new Event("drop", { bubbles: true, cancelable: true });
  const files = [new File(["RIFF"], "lecture.wav")];
  Object.assign(event, { dataTransfer: { types: ["Files"], files } });
  el.querySelector(".sp-view")?.dispatchEvent(event);
  await settled();
  fake.receive({ type: "opening", share: 0.25 });
  await settled();
  expect(said()).toBe("Opening the file. lecture.wav");
  expect(el.querySelector("progress")?.value).toBe(0.25);
  (el.querySelector(".sp-status .acts button") as HTMLButtonElement).click();
  const { message } =
    fake.sent.find(({ message: one }) => one.type === "command" && one.name === "set_source") ?? {};
  const error = { kind: "other", title: "", text: "The file was not opened.", actions: [] };
  fake.receive({ type: "reply", id: (message as { id: number }).id, error, data: {} });
  await settled();
  expect(asked().at(-1)).toEqual(["stop_opening", {}]);
  expect(said()).not.toContain("not opened");
});

it("fits the picture to a take that is shown again", async () => {
  await open();
  const zoom = () => el.querySelector(".sp-zoom")?.textContent;
  const empty = { segments: [], marks: [], events: [], runs: {}, capturing: null };
  fake.receive({ type: "reset" });
  fake.receive({ type: "snapshot", clock_s: 90, ...empty });
  await settled();
  expect(zoom()).toBe("1.5 min");
});
