import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel, type Given } from "../../dev/fake-model.ts";
import { zhCN } from "../../src/i18n/zh-cn.ts";
import transcriber from "../../src/transcriber.ts";
import { describe as inWords } from "../../src/view/failure.ts";
import type { ToKernel } from "../../src/wire/messages.ts";

const REALTIME = "Systran/faster-distil-whisper-large-v3";
const SMALL = "Systran/faster-whisper-small";
const LARGE = "Systran/faster-whisper-large-v3";

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[] = [];

function show(traits: Given = {}): void {
  fake = new FakeModel({ locale: "en", loaded_models: [REALTIME], ...traits });
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
}
beforeEach(() => show());
afterEach(() => {
  for (const stop of stops.reverse()) stop();
  vi.useRealTimers();
});

type Command = Extract<ToKernel, { type: "command" }>;
const commands = () =>
  fake.sent.map(({ message }) => message).filter((message): message is Command => message.type === "command");
const last = () => commands().at(-1) as Command;
const answer = (data: object = {}, error: object | null = null, command = last()) =>
  fake.receive({ type: "reply", id: command.id, error, data });
const settled = () => vi.waitFor(() => Promise.resolve());
const find = (selector: string) => el.querySelector(selector) as HTMLElement;
const all = (selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
const openList = () => find(".sp-pick.is-model").click();
const option = (text: string) =>
  all("[role=option]").find((row) => row.textContent?.includes(text)) as HTMLElement;
const openPanel = () => {
  openList();
  answer();
  option("Download and load").click();
};
const row = (model: string) =>
  all(".models li").find((item) =>
    item.querySelector(".sp-fill")?.textContent?.endsWith(model),
  ) as HTMLElement;
const act = (model: string) => row(model).querySelector("button") as HTMLButtonElement;
const said = () => find(".said").textContent;

describe("the list of models", () => {
  it("asks the server anew and marks what is installed, in memory or neither", async () => {
    openList();
    expect(last().name).toBe("list_models");
    expect(find(".sp-menu .note").textContent).toBe("Asking the server…");
    fake.set("models", [REALTIME, "other/model"]);
    answer();
    await settled();
    expect(find(".sp-menu .note")).toBeNull();
    const aside = (text: string) => option(text).querySelector(".aside")?.textContent;
    expect(aside("realtime")).toBe("in memory");
    expect(aside("accurate")).toBe("not installed");
    expect(aside("other/model")).toBe("installed");
    expect(all("[role=option][aria-selected=true]")).toEqual([option("realtime")]);
  });

  it("takes one that is not installed, too: the server says so at Record", () => {
    openList();
    option("accurate").click();
    expect(last()).toMatchObject({ name: "set_model", args: { model: LARGE } });
  });

  it("tells why the server does not answer, and lists what is known", async () => {
    openList();
    answer({}, { kind: "unreachable", title: "The server does not answer", text: "Start it." });
    await settled();
    expect(find(".sp-menu .note").textContent).toBe("The server does not answer. Start it.");
    expect(option("realtime")).toBeDefined();
  });

  it("finds the preset that the kernel was given by its name", () => {
    stops.reverse().forEach((stop) => {
      stop();
    });
    show({ model: "accurate" });
    openList();
    expect(all("[role=option][aria-selected=true]")).toEqual([option(LARGE)]);
    expect(all("[role=option]").filter((item) => item.textContent?.includes(LARGE))).toHaveLength(1);
  });

  it("says nothing about a server that was never asked", () => {
    stops.reverse().forEach((stop) => {
      stop();
    });
    show({ models: [], loaded_models: [], server_version: "" });
    openList();
    expect(all(".sp-menu .aside")).toEqual([]);
  });
});

describe("downloading and loading", () => {
  it("offers what there is to do, and no more", () => {
    openPanel();
    expect(find("[role=dialog]").getAttribute("aria-label")).toBe("Manage models");
    expect(act(REALTIME).hidden).toBe(true);
    expect(act(SMALL).textContent).toBe("Load now");
    expect(act(SMALL).getAttribute("aria-label")).toBe(`Load now: ${SMALL}`);
    expect(act(LARGE).textContent).toBe("Download");
    expect(row(LARGE).textContent).toContain(`accurate: ${LARGE}`);
    expect(el.querySelectorAll("progress:not([hidden])")).toHaveLength(0);
    expect(document.activeElement).toBe(find("[role=dialog]"));
  });

  it("shows a bar without a value and the time that it takes, then the outcome in words", async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    openPanel();
    act(LARGE).click();
    const command = last();
    expect(command).toMatchObject({ name: "download_model", args: { model: LARGE } });
    fake.set("model_jobs", [{ model: LARGE, kind: "download", since_ms: 1_000_000 }]);
    const bar = row(LARGE).querySelector("progress") as HTMLProgressElement;
    expect(bar.hidden).toBe(false);
    expect(bar.hasAttribute("value")).toBe(false);
    expect(bar.getAttribute("aria-label")).toBe("downloading…");
    vi.advanceTimersByTime(75_000);
    expect(row(LARGE).querySelector(".aside")?.textContent).toBe("downloading… 1 min 15 s");
    expect(find("[role=status]").textContent).not.toContain("75");
    act(LARGE).click();
    expect(last()).toBe(command);
    fake.set("model_jobs", []);
    fake.set("models", [REALTIME, SMALL, LARGE]);
    answer({ model: LARGE, downloaded: true }, null, command);
    await vi.advanceTimersByTimeAsync(0);
    expect(said()).toBe(`${LARGE} is now installed.`);
    expect(act(LARGE).textContent).toBe("Load now");
    expect(bar.hidden).toBe(true);
  });

  it("loads a model, and keeps the focus inside when its button goes", async () => {
    openPanel();
    act(SMALL).focus();
    act(SMALL).click();
    expect(last()).toMatchObject({ name: "load_model", args: { model: SMALL } });
    fake.set("loaded_models", [REALTIME, SMALL]);
    answer({ model: SMALL });
    await settled();
    expect(said()).toBe(`${SMALL} is in memory: your first sentence will not have to wait for it.`);
    expect(act(SMALL).hidden).toBe(true);
    expect(document.activeElement).toBe(find("[role=dialog]"));
  });

  it("downloads any model by its name, and tells a refusal in words, also to who looks later", async () => {
    openPanel();
    const field = find(".is-models input") as HTMLInputElement;
    field.value = " <b>no/such</b> ";
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(last()).toMatchObject({ name: "download_model", args: { model: "<b>no/such</b>" } });
    fake.set("model_jobs", [{ model: "<b>no/such</b>", kind: "download", since_ms: Date.now() }]);
    expect(row("<b>no/such</b>")).toBeDefined();
    find("[role=dialog]").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(find(".sp-menu")).toBeNull();
    const command = last();
    fake.set("model_jobs", []);
    answer(
      {},
      { kind: "model", title: "The server does not have this model", text: "It knows none." },
      command,
    );
    await settled();
    openPanel();
    expect(said()).toBe("The server does not have this model. It knows none.");
    expect(find(".said").classList.contains("is-error")).toBe(true);
    expect(el.querySelector(".models b")).toBeNull();
  });

  it("fills the bar where it is known how far a download is", () => {
    const far = { done_bytes: 121_550_000, total_bytes: 486_200_000 };
    fake.set("model_jobs", [{ model: "other/model", kind: "download", since_ms: Date.now(), ...far }]);
    openPanel();
    expect(row("other/model").querySelector(".aside")?.textContent).toBe("downloading… 122 of 486 MB");
    expect(row("other/model").querySelector("progress")?.value).toBeCloseTo(0.25);
  });

  it("shows a job that another page has begun", () => {
    fake.set("model_jobs", [{ model: "other/model", kind: "load", since_ms: Date.now() }]);
    openPanel();
    expect(row("other/model").querySelector(".aside")?.textContent).toBe("loading… 0 s");
    expect(act("other/model").getAttribute("aria-disabled")).toBe("true");
  });
});

it("tells in the server's panel what is in memory", () => {
  find(".sp-pick.is-server").click();
  const facts = all(".is-server dl div").map((item) => item.textContent);
  expect(facts).toContain(`In memory${REALTIME}`);
});

it("has Chinese words for a server that fails", () => {
  const failure = { kind: "server", title: "The server failed", text: "LOOPBACK_HOST_URL is missing." };
  expect(inWords(failure, zhCN).title).toMatch(/\p{Script=Han}/u);
  expect(inWords(failure, zhCN).detail).toContain("LOOPBACK_HOST_URL");
});
