import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeAudio } from "../capture/web-audio.ts";
import { type Bench, bench } from "../view/helpers.ts";
import { type FakeWebRtc, fakeWebRtc } from "./fake-peer.ts";

let rtc: FakeWebRtc;
let page: Bench;

beforeEach(async () => {
  vi.useFakeTimers();
  fakeAudio();
  rtc = fakeWebRtc();
  vi.stubGlobal("fetch", async () => new Response("answer"));
  page = bench({ state: "listening", transport: "webrtc" });
  page.fake.receive({ type: "capture", action: "start", capture_id: 1 });
  const url = "http://localhost:8000/v1/realtime?model=m";
  page.fake.receive({ type: "peer", action: "open", link_id: 1, seq: 0, url });
  await vi.advanceTimersByTimeAsync(0);
  rtc.connections[0]?.gather();
  await vi.advanceTimersByTimeAsync(0);
  rtc.connections[0]?.channel?.open();
  await vi.advanceTimersByTimeAsync(0);
  expect(page.fake.sent.at(-1)?.message).toMatchObject({ type: "peer", news: "open" });
});

afterEach(() => {
  page.app.scope.dispose();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it.each([
  ["the kernel is restarted", () => page.fake.emit("comm_live_update")],
  ["the kernel closes its side", () => page.fake.emit("comm:close")],
  ["the widget goes", () => page.app.scope.dispose()],
])("leaves no connection, no track and no channel when %s", async (_why, end) => {
  end();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(rtc.left).toBe(0);
  expect(rtc.connections[0]?.sender?.track).toBeNull();
});

it("goes silent with the microphone and waits for the last texts", async () => {
  page.fake.receive({ type: "capture", action: "stop", capture_id: 1 });
  await vi.advanceTimersByTimeAsync(2_000);
  const [connection] = rtc.connections;
  expect([connection?.connectionState, connection?.sender?.track]).toEqual(["new", null]);
  connection?.channel?.say("last text");
  expect(page.fake.sent.at(-1)?.message).toMatchObject({ news: "messages", messages: ["last text"] });
  page.fake.receive({ type: "peer", action: "close", link_id: 1, seq: 1 });
  expect(connection?.connectionState).toBe("closed");
});
