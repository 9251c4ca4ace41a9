import { afterEach, expect, it } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import transcriber from "../../src/transcriber.ts";
import type { LocalModel } from "../../src/wire/messages.ts";

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.reverse()) stop();
});

const BASE: LocalModel = {
  model: "Systran/faster-whisper-base",
  size_bytes: 147_880_000,
  named: false,
  can_run: true,
  state: "offered",
  failure: null,
};

async function open(local: Partial<LocalModel>, locale = "en", state = "idle"): Promise<void> {
  fake = new FakeModel({ locale, state, local_model: { ...BASE, ...local } });
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
  await new Promise((resolve) => setTimeout(resolve, 30));
}

const line = () => el.querySelector(".sp-status") as HTMLElement;
const said = () => line().querySelector(".msg")?.textContent;
const spoken = () => line().querySelector("[role=status]")?.textContent;
const bar = () => line().querySelector("progress") as HTMLProgressElement;
const ways = () => [...line().querySelectorAll(".acts button")].map((one) => one.textContent);
const asked = () => fake.sent.flatMap(({ message }) => (message.type === "command" ? [message.name] : []));

it.each([
  ["en", "This recogniser hears English only, and badly. Whisper is far better.", "Get Whisper (148 MB)"],
  ["zh-CN", "当前识别器只懂英语，而且不准。 Whisper 更准，也懂中文。", "下载 Whisper（148 MB）"],
])(
  "says what the recogniser at hand cannot do, and offers a better one (%s)",
  async (locale, sentence, label) => {
    await open({}, locale);
    expect(said()).toBe(sentence);
    expect(ways()).toEqual([label]);
    expect(bar().hidden).toBe(true);
    line().querySelector<HTMLElement>(".acts button")?.click();
    expect(asked()).toEqual(["get_model"]);
  },
);

it("keeps the way to open a file beside the offer", async () => {
  await open({});
  expect([...line().querySelectorAll("button")].map((one) => one.textContent).at(-1)).toBe("Open a file…");
});

it("shows how far a download is, reads out no numbers, and stops it", async () => {
  await open({ state: "downloading", done_bytes: 43_000_000, total_bytes: 147_882_941 });
  expect(said()).toBe("Downloading faster-whisper-base. 43 of 148 MB");
  expect(spoken()).toBe("Downloading faster-whisper-base.");
  expect(bar().value).toBeCloseTo(0.29);
  line().querySelector<HTMLElement>(".acts button")?.click();
  expect(asked()).toEqual(["stop_download"]);
  fake.set("local_model", { ...BASE, state: "downloading", done_bytes: 0, total_bytes: null });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(said()).toBe("Downloading faster-whisper-base. Asking the hub…");
  expect(bar().hasAttribute("value")).toBe(false);
});

it("goes on from what is there", async () => {
  await open({ done_bytes: 43_000_000 });
  expect(said()).toContain("43 MB of the model are here.");
  expect(ways()).toEqual(["Continue the download"]);
});

it("says in the kernel's words why a download failed", async () => {
  const failure = {
    kind: "download",
    title: "The model could not be downloaded",
    text: "hub refuses: try again.",
  };
  await open({ failure });
  expect(said()).toBe(" hub refuses: try again.");
  expect(ways()).toEqual(["Try again"]);
  await open({ failure }, "zh-CN");
  expect(said()).toBe(" 模型未能下载。内核提示：hub refuses: try again.");
});

it("offers a model that was named and is not there", async () => {
  await open({ named: true, model: "Systran/faster-whisper-large-v3", size_bytes: 3_090_800_000 });
  expect(said()).toContain("faster-whisper-large-v3 is not on the kernel’s computer.");
  expect(ways()).toEqual(["Get it (3.1 GB)"]);
});

it("names the packages where they are missing", async () => {
  await open({ can_run: false });
  expect(said()).toContain("pip install 'ipyspeaches[local]'");
  expect(ways()).toEqual([]);
});

it("says when it is there, and nothing of all that while somebody speaks", async () => {
  await open({ state: "done" });
  expect(said()).toBe("faster-whisper-base is here. The next recording uses it.");
  await open({}, "en", "listening");
  expect(said()).toContain("Listening.");
  await open({ state: "downloading", done_bytes: 1, total_bytes: 2 }, "en", "connecting");
  expect(said()).toContain("Downloading");
});
