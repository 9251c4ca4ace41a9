import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeConnection, FakeModel } from "../../dev/fake-model.ts";
import { en } from "../../src/i18n/en.ts";
import { zhCN } from "../../src/i18n/zh-cn.ts";
import transcriber from "../../src/transcriber.ts";
import { describe as inWords, warningWords } from "../../src/view/failure.ts";
import type { ToKernel } from "../../src/wire/messages.ts";
import { fakeAudio } from "../capture/web-audio.ts";

let fake: FakeModel;
let el: HTMLElement;
let stops: (() => void)[];

beforeEach(() => open());

function open(widget_manager?: { kernel: FakeConnection }): void {
  fake = new FakeModel({ locale: "en", state: "listening", server_label: "local" });
  fake.widget_manager = widget_manager;
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const widget = transcriber();
  stops = [widget.initialize({ model: fake.model }), widget.render({ model: fake.model, el })];
}
afterEach(() => {
  for (const stop of stops.reverse()) stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Command = Extract<ToKernel, { type: "command" }>;
const commands = () =>
  fake.sent.map(({ message }) => message).filter((message): message is Command => message.type === "command");
const last = () => commands().at(-1) as Command;
const answer = (data: object = {}, error: object | null = null) =>
  fake.receive({ type: "reply", id: last().id, error, data });
const nothing = { segments: [], marks: [], events: [], runs: {} };
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
const find = (selector: string) => el.querySelector(selector) as HTMLElement;
const status = () => find(".sp-status .msg").textContent?.trim();
const row = (text: string) =>
  [...el.querySelectorAll<HTMLElement>("[role^=menuitem], [role=option]")].find((item) =>
    item.textContent?.includes(text),
  ) as HTMLElement;

describe("a kernel that is restarted", () => {
  it("is told in words, takes no commands, and gives its place back when it speaks again", () => {
    fake.emit("comm_live_update");
    expect(status()).toBe("The kernel was restarted. Run the cell again; what is shown stays until then.");
    expect(find(".sp-rec").getAttribute("aria-disabled")).toBe("true");
    const before = commands().length;
    find(".sp-rec").click();
    expect(commands()).toHaveLength(before);
    fake.receive({ type: "events", events: [] });
    expect(find(".sp-rec").getAttribute("aria-disabled")).toBeNull();
  });
});

it("tells what waits for a kernel that runs a cell", () => {
  vi.useFakeTimers();
  const kernel = new FakeConnection();
  kernel.become("busy");
  fake.widget_manager = { kernel };
  find(".sp-head button:nth-of-type(2)").click();
  expect(last().name).toBe("pause");
  vi.advanceTimersByTime(8_100);
  expect(status()).toBe(
    "The kernel is running another cell (8 s). Recording goes on; it pauses when that cell ends.",
  );
  expect(find("[role=status]").textContent).not.toContain("8");
  expect(find(".sp-status .acts button").textContent).toBe("Interrupt the cell");
  answer();
});

it("says of a kernel that does not answer no more than it knows", () => {
  vi.useFakeTimers();
  find(".sp-head button:nth-of-type(2)").click();
  vi.advanceTimersByTime(38_100);
  expect(status()).toContain("The kernel does not answer (38 s). If it is running a cell");
  const kernel = new FakeConnection(); // idle, and heard a moment ago: the command takes its time
  fake.widget_manager = { kernel };
  fake.receive({ type: "events", events: [] });
  vi.advanceTimersByTime(1_000);
  expect(status()).toContain("Listening.");
  answer();
});

it("tells that the connection was lost, when it is tried again, and how far behind the words are then", () => {
  vi.useFakeTimers();
  fake.set("state", "stopped"); // then nobody misses a page that captures
  fake.receive({ type: "snapshot", clock_s: 30, ...nothing, capturing: null });
  fake.receive({ type: "events", events: [{ type: "reconnecting", time_s: 20, reason: "gone", wait_s: 8 }] });
  fake.set("state", "reconnecting");
  expect(status()).toContain("The connection was lost: next try in 8 s. Go on speaking");
  vi.advanceTimersByTime(5_000);
  fake.receive({ type: "events", events: [{ type: "sent", start_s: 17, end_s: 18 }] });
  expect(status()).toContain("next try in 3 s.");
  find(".sp-status .acts button").click();
  expect(last().name).toBe("reconnect");
  answer();
  const utterance = { item_id: null, start_s: 18, end_s: 21, stage: "cut", waited_s: 0 };
  fake.receive({
    type: "events",
    events: [
      { type: "reconnected", time_s: 30 },
      { type: "waiting", utterances: [utterance] },
    ],
  });
  fake.set("state", "listening");
  expect(status()).toContain("The connection is back. What was said meanwhile is sent: 12 s behind.");
  fake.receive({ type: "events", events: [{ type: "waiting", utterances: [] }] });
  expect(status()).toContain("Listening.");
});

it("tells within seconds that the words have stopped coming", () => {
  vi.useFakeTimers();
  fake.set("source_kind", "kernel");
  fake.receive({ type: "events", events: [] });
  vi.advanceTimersByTime(1_900);
  expect(status()).toContain("Listening.");
  vi.advanceTimersByTime(1_200);
  expect(status()).toContain("The kernel does not answer (3 s).");
  fake.receive({ type: "events", events: [] });
  vi.advanceTimersByTime(1_000);
  expect(status()).toContain("Listening.");
});

it.each([
  ["autorestarting", "The kernel was restarted."],
  ["dead", "The kernel has ended."],
])("a connection that is %s is told at once", (state, told) => {
  const kernel = new FakeConnection();
  open({ kernel });
  kernel.become(state);
  expect(status()).toContain(told);
  expect(find(".sp-rec").getAttribute("aria-disabled")).toBe("true");
});

it("tells of a microphone that has been silent for five seconds, and of a file never", () => {
  const quiet = (clock_s: number, level_db: number) => {
    const header = { type: "frames", detector: "silero", first_column: 0, column_s: 0.01, columns: 0 };
    const frames = { first_frame: 0, frame_s: 0.032, frames: 0, peak_db: -80, clipped: false };
    const nothing = [0, 1, 2].map(() => new DataView(new ArrayBuffer(0)));
    fake.receive({ ...header, ...frames, clock_s, level_db }, nothing);
  };
  quiet(1, -90.4);
  quiet(5.9, -90.4);
  expect(status()).toContain("Listening.");
  quiet(6.1, -90.4);
  expect(status()).toBe("The microphone is silent (−90 dB). Is it muted? Else choose another source.");
  quiet(6.2, -50);
  expect(status()).toContain("Listening.");
  fake.set("source_kind", "file");
  quiet(7, -96);
  quiet(20, -96);
  expect(status()).toContain("in real time.");
});

describe("a recording whose page was reloaded", () => {
  const snapshot = (capturing: string | null) =>
    fake.receive({ type: "snapshot", clock_s: 5, ...nothing, capturing });

  const permission = (state: string) =>
    vi.stubGlobal("navigator", { permissions: { query: async () => ({ state }) }, language: "en" });

  it("goes on here when that is asked for", async () => {
    permission("prompt");
    snapshot(null);
    await settled();
    expect(status()).toContain("The recording is waiting for a page.");
    find(".sp-status .acts button").click();
    expect(last().name).toBe("resume_capture");
  });

  it("goes on by itself where the microphone opens without a question", async () => {
    permission("granted");
    snapshot(null);
    await settled();
    expect(last().name).toBe("resume_capture");
  });

  it("is left to the page that captures", async () => {
    snapshot("somebody else");
    await settled();
    expect(commands()).toEqual([]);
    expect(status()).toContain("Listening.");
  });

  it("is asked for again when the sound of the page that captured stops", () => {
    vi.useFakeTimers();
    const hellos = () => fake.sent.filter(({ message }) => message.type === "hello").length;
    const before = hellos();
    snapshot("this page before it was reloaded");
    const frames = {
      type: "frames",
      first_column: 0,
      column_s: 0.01,
      columns: 0,
      first_frame: 0,
      frame_s: 0.032,
    };
    fake.receive({ ...frames, frames: 0, clock_s: 6, level_db: -30, peak_db: -20, clipped: false }, [
      ...[1, 2, 3].map(() => new DataView(new ArrayBuffer(0))),
    ]);
    vi.advanceTimersByTime(2_600);
    expect(hellos()).toBe(before);
    vi.advanceTimersByTime(2_600);
    expect(hellos()).toBe(before + 1);
  });
});

it("says goodbye when the page goes, and when the widget does", () => {
  const byes = () => fake.sent.filter(({ message }) => message.type === "bye").length;
  window.dispatchEvent(new Event("pagehide"));
  expect(byes()).toBe(1);
  stops[0]?.();
  expect(byes()).toBe(2);
});

it("stops listening when no view is left", async () => {
  vi.useFakeTimers();
  const refusing = { getUserMedia: () => new Promise(() => {}), addEventListener: () => {} };
  Object.defineProperty(navigator, "mediaDevices", { value: refusing, configurable: true });
  vi.stubGlobal("isSecureContext", true);
  fake.receive({ type: "capture", action: "start", capture_id: 1 });
  expect(find(".sp-time .sp-k").textContent).toBe("Asking…");
  stops[1]?.();
  vi.advanceTimersByTime(1_900);
  expect(commands()).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(last().name).toBe("stop");
  Object.defineProperty(navigator, "mediaDevices", { value: undefined, configurable: true });
});

it("closes the microphone of no view itself where the kernel does not answer", async () => {
  const audio = fakeAudio();
  fake.receive({ type: "capture", action: "start", capture_id: 1 });
  await settled();
  expect(audio.tracks.map(({ stopped }) => stopped)).toEqual([false]);
  vi.useFakeTimers();
  fake.onsend = () => {
    throw new Error("the notebook was closed");
  };
  stops[1]?.();
  vi.advanceTimersByTime(4_100);
  expect(audio.tracks.map(({ stopped }) => stopped)).toEqual([true]);
  expect(audio.contexts[0]?.state).toBe("closed");
});

it("keeps the key of a server nowhere on the page", async () => {
  find(".sp-pick.is-server").click();
  const [address, key] = [...el.querySelectorAll<HTMLInputElement>(".is-server input")];
  if (!address || !key) throw new Error("no fields");
  expect(key.type).toBe("password");
  address.value = "http://example.org:8000";
  key.value = "very-secret";
  key.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(last()).toMatchObject({
    name: "set_server",
    args: { url: "http://example.org:8000", api_key: "very-secret" },
  });
  answer();
  await settled();
  expect(key.value).toBe("");
  expect(last().name).toBe("check_server");
  answer({}, { kind: "auth", title: "The server refused the key", text: "Give another." });
  await settled();
  expect(find(".said").textContent).toBe("The server refused the key. Give another.");
  expect(document.documentElement.outerHTML).not.toContain("very-secret");
});

it("shows the server's address to change, takes it without http://, and forgets a failure once it answers", async () => {
  fake.set("server_url", "http://example.org:8000");
  fake.set("state", "failed");
  find(".sp-rec").click();
  answer(
    {},
    {
      kind: "auth",
      title: "The server refused the key",
      text: "Give another.",
      actions: [{ name: "retry" }],
    },
  );
  await settled();
  expect(find(".sp-msg h3").textContent).toBe("The server refused the key");
  find(".sp-pick.is-server").click();
  const [address] = [...el.querySelectorAll<HTMLInputElement>(".is-server input")];
  if (!address) throw new Error("no field");
  expect(address.value).toBe("http://example.org:8000");
  address.value = "localhost:8123";
  address.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(last()).toMatchObject({ name: "set_server", args: { url: "http://localhost:8123" } });
  answer();
  await settled();
  answer({ version: "0.9.0", models: [] });
  await settled();
  expect(find(".sp-msg").hidden).toBe(true);
});

it("lists the kernel's microphones beside the browser's, or says why there are none", async () => {
  find(".sp-pick.is-source").click();
  expect(last().name).toBe("list_devices");
  answer({ devices: [{ index: 3, name: "Conference <b>mic" }], error: null });
  await settled();
  row("Conference <b>mic").click();
  expect(last()).toMatchObject({
    name: "set_source",
    args: { kind: "kernel", device: 3, label: "Conference <b>mic" },
  });
  find(".sp-pick.is-source").click();
  answer({ devices: [], error: "PortAudio is missing: install libportaudio2." });
  await settled();
  expect(find(".sp-menu .note").textContent).toContain("install libportaudio2");
});

it("offers the detectors of the kernel and who cuts", () => {
  const open = () => find(".sp-tune .sp-select").click();
  open();
  row("WebRTC").click();
  expect(last()).toMatchObject({ name: "set_detector", args: { name: "webrtc" } });
  open();
  row("The server").click();
  expect(last()).toMatchObject({ name: "set_turn_detection", args: { kind: "server" } });
});

it("shows what the server confirmed", () => {
  fake.set("turn_detection_kind", "server");
  fake.set("server_turn_detection", { threshold: 0.8, silence_duration_ms: 400 });
  find(".sp-tune .sp-select").click();
  row("All settings").click();
  const note = () => find(".is-numbers .note").textContent;
  expect(note()).toBe("Not yet confirmed by the server.");
  const turn_detection = { threshold: 0.8, silence_duration_ms: 400 };
  fake.receive({ type: "events", events: [{ type: "reconfigured", time_s: 1, turn_detection }] });
  expect(note()).toBe("Confirmed by the server.");
});

it("sets a mark, and names it in the dialog", async () => {
  find(".sp-markbutton").click();
  expect(last()).toMatchObject({ name: "mark", args: {} });
  fake.receive({ type: "events", events: [{ type: "mark", id: 7, time_s: 2, name: "" }] });
  answer({ id: 7, name: "", time_s: 2 });
  await settled();
  const field = find("[role=dialog] input") as HTMLInputElement;
  field.value = " Q1 ";
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(last()).toMatchObject({ name: "mark", args: { id: 7, name: "Q1" } });
  expect(find(".sp-menu")).toBeNull();
});

it("switches lanes in a menu that stays open", () => {
  find(".sp-head [aria-haspopup=menu]").click();
  row("Server VAD").click();
  expect(find(".sp").classList.contains("no-server-lane")).toBe(true);
  expect(row("Server VAD").getAttribute("aria-checked")).toBe("false");
});

it("warns of a voice that is too loud after three clips in ten seconds", () => {
  for (let i = 0; i < 3; i++) {
    const columns = 10;
    const extremes = new Int16Array(2 * columns).fill(32767);
    const header = {
      type: "frames",
      first_column: i * 100,
      column_s: 0.01,
      columns,
      first_frame: 0,
      frame_s: 0.032,
      frames: 0,
      clock_s: i + 0.1,
      level_db: 0,
      peak_db: 0,
      clipped: true,
    };
    fake.receive(
      header,
      [extremes, new Float32Array(0), new Float32Array(0)].map((part) => new DataView(part.buffer)),
    );
  }
  expect(status()).toBe("Too loud: turn the microphone down.");
});

it("names a detector and a unit of the reader's own, in a colour that no other has", async () => {
  const unit = "flatness" as never;
  fake.set("detector", { ...fake.trait("detector"), name: "tonal", unit });
  await settled();
  expect(find(".is-score .sp-name").textContent).toContain("tonal, flatness");
  expect(el.innerHTML).not.toContain("undefined");
  expect(find(".sp-tune .sp-key").className).toContain("is-own");
});

it("forgets that sound came late when the recording has ended, and not that words are missing", () => {
  const warn = (kind: string, text: string) =>
    fake.receive({ type: "events", events: [{ type: "warning", kind, time_s: 1, text }] });
  warn("audio_late", "3.0 s of audio came late.");
  expect(status()).toContain("came late");
  fake.set("state", "stopped");
  expect(status()).toContain("Stopped.");
  warn("unanswered", "2 utterances have no text.");
  expect(status()).toContain("2 utterances have no text.");
});

it("hides what the notebook keeps of it as long as a view lives, once the kernel has spoken", () => {
  const styles = () =>
    [...document.head.querySelectorAll("style")].map(({ textContent }) => textContent).join();
  expect(styles()).not.toContain(".ipyspeaches-kept-1"); // a saved page: nobody is there to bring it to life
  fake.receive({ type: "reset" });
  expect(styles()).toContain(".ipyspeaches-kept-1");
  stops[1]?.();
  expect(styles()).not.toContain(".ipyspeaches-kept-1");
});

it("shows hostile, endless and odd text as text, also in captions", () => {
  const odd = `<script>globalThis.hacked=1</script><img src=x onerror="hacked()">\u0000\u0007\u202e${"長".repeat(100_000)}`;
  const event = {
    type: "final",
    item_id: "a",
    start_s: 0,
    end_s: 1,
    text: odd,
    language: "<i>",
    latency_s: 1,
  };
  fake.receive({ type: "events", events: [event] });
  expect(el.querySelectorAll(".sp-script i, img, script")).toHaveLength(0);
  expect(find(".sp-script .body").textContent).toBe(odd);
  expect(find(".sp-cap p").textContent?.length).toBeLessThanOrEqual(600);
  expect(find(".sp-cap p").getAttribute("dir")).toBe("auto");
});

it("shows all of a recording that has ended before the page was loaded", async () => {
  fake.set("state", "stopped");
  fake.receive({ type: "snapshot", clock_s: 40, ...nothing, capturing: null });
  await vi.waitFor(() => expect(find(".sp-zoom").textContent).toContain("40 s"));
});

it("says why the first text takes long, and no more once it is there", () => {
  const event = (one: object) => fake.receive({ type: "events", events: [one] });
  const wait = { item_id: "a", start_s: 0, end_s: 1, stage: "committed" };
  event({ type: "waiting", utterances: [{ ...wait, waited_s: 3 }] });
  expect(status()).toContain("A sentence is sent");
  event({ type: "waiting", utterances: [{ ...wait, waited_s: 5 }] });
  expect(status()).toContain("The first text takes longest");
  event({ type: "final", ...wait, text: "Said.", language: null, latency_s: 6 });
  expect(status()).toContain("A sentence is sent");
});

it("shows in captions that words are on their way, in place of rows without any", () => {
  const wait = { item_id: null, stage: "sent", waited_s: 0 };
  const text = { end_s: 1, language: null, latency_s: null, item_id: "a", start_s: 0, text: "Said." };
  const utterances = [2, 4].map((start_s) => ({ ...wait, start_s, end_s: start_s + 1 }));
  const events = [
    { type: "final", ...text },
    { type: "waiting", utterances },
  ];
  fake.receive({ type: "events", events });
  expect([...el.querySelectorAll(".sp-cap p")].map((row) => row.textContent)).toEqual(["Said.", "…"]);
  expect(el.querySelectorAll(".sp-script .is-partial")).toHaveLength(2);
});

describe("the language menu", () => {
  it("offers Chinese in either script, and shows which one is asked for", () => {
    fake.set("language", "zh");
    fake.set("script", "traditional");
    expect(find(".sp-pick.is-language").textContent).toContain("Traditional Chinese");
    find(".sp-pick.is-language").click();
    expect(row("Traditional Chinese").getAttribute("aria-selected")).toBe("true");
    row("Simplified Chinese").click();
    expect(last()).toMatchObject({ name: "set_language", args: { language: "zh-Hans" } });
    fake.set("script", "simplified");
    fake.set("locale", "zh-CN");
    expect(find(".sp-pick.is-language").textContent).toContain("简体中文");
  });

  it("names other languages as they are, whatever script Chinese would be in", () => {
    fake.set("language", "ja");
    fake.set("script", "traditional");
    expect(find(".sp-pick.is-language").textContent).toContain("Japanese");
  });
});

describe("Chinese", () => {
  const keys = (value: unknown): unknown =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keys(inner)]))
      : typeof value;

  it("has words for every failure and warning of the kernel, whose own sentence is the detail", () => {
    const failure = { kind: "unreachable", title: "No", text: "Nothing answers at http://x." };
    expect(inWords(failure, zhCN).detail).toBe("Nothing answers at http://x.");
    expect(inWords(failure, zhCN).title).toMatch(/\p{Script=Han}/u);
    expect(warningWords("audio_lost", "0.40 s of sound were lost", zhCN)).toContain("0.40 秒");
    expect(warningWords("new kind", "Something new.", zhCN)).toBe("Something new.");
  });

  it("leaves nothing in English", () => {
    const same = Object.entries(en).filter(
      ([key, value]) =>
        typeof value === "string" && /[a-z]{3}/.test(value) && zhCN[key as keyof typeof en] === value,
    );
    expect(same).toEqual([]);
    expect(keys(zhCN.status)).toEqual(keys(en.status));
    expect(keys(zhCN.action)).toEqual(keys(en.action));
  });
});
