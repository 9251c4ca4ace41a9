import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import { Capture } from "../../src/capture/capture.ts";
import type { CaptureError } from "../../src/capture/capture-errors.ts";
import { Scope } from "../../src/scope.ts";
import { PageState } from "../../src/store/page.ts";
import { Channel } from "../../src/wire/channel.ts";
import type { ToKernel } from "../../src/wire/messages.ts";
import { type FakeAudio, fakeAudio, settle } from "./web-audio.ts";

let audio: FakeAudio;
let fake: FakeModel;
let page: PageState;
let scope: Scope;
let capture: Capture;
let failures: CaptureError[];

function setUp(options: Parameters<typeof fakeAudio>[0] = {}): void {
  audio = fakeAudio(options);
  fake = new FakeModel();
  page = new PageState();
  scope = new Scope();
  failures = [];
  capture = new Capture(new Channel(fake.model, scope), page, (error) => failures.push(error), scope);
}

beforeEach(() => setUp());
afterEach(() => {
  scope.dispose();
  vi.unstubAllGlobals();
});

const order = (action: "start" | "pause" | "stop", capture_id = 1) =>
  capture.receiveOrder({ type: "capture", action, capture_id });
const sent = <T extends ToKernel["type"]>(type: T) =>
  fake.sent.filter(({ message }) => message.type === type) as {
    message: Extract<ToKernel, { type: T }>;
    buffers: ArrayBuffer[];
  }[];
const states = () => sent("capture").map(({ message }) => message);
const block = (first_frame: number, ...values: number[]) =>
  audio.ports.at(-1)?.onmessage?.({ data: { first_frame, samples: Int16Array.from(values) } });

describe("a recording", () => {
  it("opens without processing at the session rate and says so", async () => {
    await order("start");
    expect(audio.constraints[0]?.audio).toMatchObject({
      echoCancellation: false,
      noiseSuppression: false,
      autoGainControl: false,
    });
    expect(states()).toEqual([
      { type: "capture", state: "started", capture_id: 1, label: "Fake microphone", rate: 24_000 },
    ]);
    expect(page.capture.value).toBe("open");
  });

  it("numbers its blocks from zero and sends the samples as they are", async () => {
    await order("start");
    block(0, 1, 2);
    block(960, 3);
    expect(sent("audio").map(({ message }) => [message.seq, message.first_frame, message.rate])).toEqual([
      [0, 0, 24_000],
      [1, 960, 24_000],
    ]);
    expect([...new Int16Array(sent("audio")[0]?.buffers[0] ?? new ArrayBuffer(0))]).toEqual([1, 2]);
  });

  it("sends the rest of the last block before it ends, then releases the microphone", async () => {
    await order("start");
    const port = audio.ports[0];
    if (port) port.rest = { first_frame: 960, samples: Int16Array.of(9) };
    await order("stop");
    expect(fake.sent.at(-2)?.message).toMatchObject({ type: "audio", first_frame: 960 });
    expect(fake.sent.at(-1)?.message).toEqual({ type: "capture", state: "ended", capture_id: 1 });
    expect(audio.tracks[0]?.stopped).toBe(true);
    expect(audio.contexts[0]?.state).toBe("closed");
    expect(page.capture.value).toBe("closed");
  });

  it("suspends while paused and goes on with the same numbers", async () => {
    await order("start");
    block(0, 1);
    await order("pause");
    expect([page.capture.value, audio.contexts[0]?.state]).toEqual(["paused", "suspended"]);
    await order("start");
    block(960, 1);
    expect([page.capture.value, audio.contexts[0]?.state]).toEqual(["open", "running"]);
    expect(sent("audio").map(({ message }) => message.seq)).toEqual([0, 1]);
    expect(audio.tracks.length).toBe(1);
  });

  it("falls back to the device's rate where 24 kHz is refused", async () => {
    setUp({ refuses24k: true });
    await order("start");
    expect(states()[0]).toMatchObject({ state: "started", rate: 44_100 });
  });

  it("ends with the widget", async () => {
    await order("start");
    scope.dispose();
    block(0, 1);
    expect(audio.tracks[0]?.stopped).toBe(true);
    expect(sent("audio")).toEqual([]);
  });
});

it("closes the microphone when its sound cannot be sent any more", async () => {
  await order("start");
  fake.onsend = () => {
    throw new Error("the notebook was closed");
  };
  block(0, 1, 2);
  expect(audio.tracks[0]?.stopped).toBe(true);
  expect(page.capture.value).toBe("closed");
});

describe("orders that come at a bad moment", () => {
  it("ignores pause and stop of another capture", async () => {
    await order("start", 2);
    await order("pause", 1);
    await order("stop", 1);
    expect(page.capture.value).toBe("open");
    expect(audio.tracks[0]?.stopped).toBe(false);
  });

  it("lets a new start replace the running capture", async () => {
    await order("start", 1);
    await order("start", 2);
    expect(audio.tracks.map((track) => track.stopped)).toEqual([true, false]);
    expect(states().map(({ capture_id }) => capture_id)).toEqual([1, 2]);
  });

  it("releases a microphone that is granted after the stop", async () => {
    setUp({ ask: true });
    const starting = order("start");
    await settle();
    await order("stop");
    audio.grant();
    await starting;
    expect(audio.tracks[0]?.stopped).toBe(true);
    expect(states().map(({ state }) => state)).toEqual(["ended"]);
    expect(failures).toEqual([]);
  });

  it("does not record for another page", async () => {
    await capture.receiveOrder({
      type: "capture",
      action: "start",
      capture_id: 1,
      client_id: "another page",
    });
    expect(audio.constraints).toEqual([]);
  });
});

describe("what can go wrong", () => {
  it.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "no-device"],
    ["NotReadableError", "busy"],
    ["WeirdError", "other"],
  ])("%s is told as %s", async (name, kind) => {
    setUp({ ask: true });
    const starting = order("start");
    await settle();
    audio.refuse(name);
    await starting;
    expect(states()).toEqual([
      { type: "capture", state: "failed", capture_id: 1, error: kind, detail: name },
    ]);
    expect(failures.map((failure) => failure.kind)).toEqual([kind]);
    expect(page.capture.value).toBe("closed");
  });

  it("tells an insecure page from a browser that cannot", async () => {
    vi.stubGlobal("navigator", { language: "en" });
    vi.stubGlobal("isSecureContext", false);
    await order("start");
    vi.stubGlobal("isSecureContext", true);
    await order("start", 2);
    expect(failures.map((failure) => failure.kind)).toEqual(["insecure", "unsupported"]);
  });

  it("says when the device goes away", async () => {
    await order("start");
    audio.tracks[0]?.dispatchEvent(new Event("ended"));
    expect(states().at(-1)).toMatchObject({ state: "ended", error: "no-device" });
    expect(audio.contexts[0]?.state).toBe("closed");
  });
});
