import { afterEach, beforeEach, expect, it } from "vitest";
import { Scope } from "../../src/scope.ts";
import { RunsView } from "../../src/view/runs.ts";
import type { ComparedRun } from "../../src/wire/messages.ts";
import { type Bench, bench } from "./helpers.ts";

let kernel: Bench;
let view: RunsView;
let scope: Scope;

const run = (name: string, more: Partial<ComparedRun> = {}): ComparedRun => ({
  name,
  state: "listening",
  about: "realtime · silero",
  error: null,
  behind_s: 0,
  ...more,
});
const final = (run: string, item_id: string, text: string, latency_s = 0.5) =>
  ({ type: "final", run, item_id, start_s: 1, end_s: 2, text, language: null, latency_s }) as const;
const columns = () => [...view.node.querySelectorAll<HTMLElement>(".sp-run")];
const bodies = (column: HTMLElement | undefined) =>
  [...(column?.querySelectorAll(".body") ?? [])].map(({ textContent }) => textContent);

function show(locale = "en"): void {
  kernel = bench({ locale, compared: [run("energy"), run("sse")] });
  scope = new Scope();
  view = new RunsView(kernel.app, scope);
  document.body.replaceChildren(view.node);
}

beforeEach(() => show());
afterEach(() => scope.dispose());

it("has a named column for each session, and is not there without any", () => {
  expect(columns().map((column) => column.getAttribute("aria-label"))).toEqual(["energy", "sse"]);
  expect(view.node.hidden).toBe(false);
  kernel.fake.set("compared", [run("sse")]);
  expect(columns().map((column) => column.getAttribute("aria-label"))).toEqual(["sse"]);
  kernel.fake.set("compared", []);
  expect(view.node.hidden).toBe(true);
});

it("puts words into the column of their session only, and not into the transcript", () => {
  kernel.say(final("sse", "a", "Hello."), {
    type: "partial",
    run: "energy",
    item_id: "a",
    start_s: 1,
    text: "hel",
  });
  expect(columns().map(bodies)).toEqual([["hel…"], ["Hello."]]);
  expect(kernel.app.session.lines.all).toHaveLength(0);
});

it("keeps the element of a row when its text becomes final", () => {
  kernel.say({ type: "partial", run: "energy", item_id: "a", start_s: 1, text: "hel" });
  const row = columns()[0]?.querySelector("li");
  kernel.say(final("energy", "a", "Hello."));
  expect(columns()[0]?.querySelector("li")).toBe(row);
  expect(row?.className).toBe("sp-line");
});

it("shows what is said as text, never as markup", () => {
  const hostile = "<img src=x onerror=alert(1)>";
  kernel.fake.set("compared", [run(hostile, { about: hostile, state: "failed", error: null })]);
  kernel.say(final(hostile, "a", hostile));
  expect(view.node.querySelector("img")).toBeNull();
  expect(bodies(columns()[0])).toEqual([hostile]);
});

it("tells the median of end of speech to text of each run", () => {
  kernel.say(final("energy", "a", "x", 0.4), final("energy", "b", "x", 0.6), final("sse", "c", "x", 2));
  const tags = columns().map((column) => column.querySelector("header .is-lat"));
  expect(tags.map((tag) => tag?.textContent)).toEqual(["median 0.50 s", "median 2.00 s"]);
});

it("says in words what is wrong with a session: it failed, it lags, it is not there yet", () => {
  const error = { kind: "unreachable", title: "", text: "Nothing answers there: start a server." };
  kernel.fake.set("compared", [
    run("a", { state: "failed", error: { ...error, title: "The server does not answer" } }),
    run("b", { behind_s: 12 }),
    run("c", { state: "connecting" }),
    run("d"),
  ]);
  const states = columns().map((column) => column.querySelector<HTMLElement>(".state"));
  expect(states.map((state) => state?.textContent)).toEqual([
    "Failed. Nothing answers there: start a server.",
    "12 s behind",
    "Connecting…",
    "",
  ]);
  expect(states[3]?.hidden).toBe(true);
  expect(columns().map(({ className }) => className)).toEqual([
    "sp-run is-failed",
    "sp-run is-behind",
    "sp-run",
    "sp-run",
  ]);
});

it("speaks Chinese", () => {
  show("zh-CN");
  kernel.say(final("energy", "a", "你好"));
  kernel.fake.set("compared", [run("energy", { behind_s: 3 })]);
  expect(view.node.textContent).toContain("落后 3 秒");
  expect(view.node.textContent).toContain("中位数 0.50 秒");
});

it("begins anew with a recording, and gets everything back from a snapshot", () => {
  kernel.say(final("energy", "a", "Hello."));
  kernel.fake.receive({ type: "reset" });
  expect(bodies(columns()[0])).toEqual([]);
  const { type: _, run: __, ...segment } = final("energy", "a", "Hello again.");
  kernel.fake.receive({
    type: "snapshot",
    clock_s: 2,
    segments: [],
    marks: [],
    events: [],
    runs: { energy: [segment] },
  });
  expect(bodies(columns()[0])).toEqual(["Hello again."]);
});

it("keeps only the last rows of a long session in the page", () => {
  const many = Array.from({ length: 100 }, (_, i) => ({
    ...final("energy", `i${i}`, `number ${i}`),
    start_s: i,
  }));
  kernel.say(...many);
  expect(bodies(columns()[0])).toHaveLength(60);
  expect(bodies(columns()[0]).at(-1)).toBe("number 99");
});
