import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SILENCE_MS } from "../../src/rtc/peer.ts";
import { BATCH_MS } from "../../src/rtc/queues.ts";
import { LinkBench, MICROPHONE, settle } from "./link-bench.ts";

let bench: LinkBench;

beforeEach(() => {
  bench = new LinkBench();
});
afterEach(() => bench.dispose());

describe("messages", () => {
  it("go to the kernel in order and in few pieces", async () => {
    const { channel } = await bench.open();
    for (const text of ["a", "b", "c"]) channel.say(text);
    await vi.advanceTimersByTimeAsync(BATCH_MS);
    channel.say("d");
    await vi.advanceTimersByTimeAsync(BATCH_MS);
    const relayed = bench.news().flatMap((one) => (one.news === "messages" ? [one.messages] : []));
    expect(relayed).toEqual([["a"], ["b", "c"], ["d"]]);
    expect(bench.news().map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
  });

  it("go to the server in the order of their numbers", async () => {
    const { channel } = await bench.open();
    bench.order({ action: "send", messages: ["third"] }, 1, 2);
    bench.order({ action: "send", messages: ["first", "second"] }, 1, 1);
    expect(channel.sent).toEqual(["first", "second", "third"]);
  });

  it("have arrived when an echo comes back", async () => {
    const { channel } = await bench.open();
    for (const text of ["a", "b"]) channel.say(text);
    bench.order({ action: "echo" });
    expect(bench.kinds().slice(-3)).toEqual(["messages", "messages", "echo"]);
  });

  it("come before the news that the server has gone", async () => {
    const { channel } = await bench.open();
    for (const text of ["a", "b"]) channel.say(text);
    channel.end();
    expect(bench.kinds().slice(-3)).toEqual(["messages", "messages", "closed"]);
    expect(bench.rtc.left).toBe(0);
  });

  it("of an older link are nobody's", async () => {
    await bench.open();
    bench.seq = 0;
    bench.order({ action: "open", url: null }, 2);
    await settle();
    bench.order({ action: "send", messages: ["old"] }, 1, 1);
    expect(bench.rtc.connections[0]?.channel?.sent).toEqual([]);
    expect(bench.rtc.connections.map(({ connectionState }) => connectionState)).toEqual(["closed", "new"]);
  });
});

describe("what the server hears", () => {
  it("begins with the microphone, and is silence for a moment when that pauses or ends", async () => {
    const { sender } = await bench.open();
    for (const state of ["paused", "open", "closed"] as const) bench.page.capture.value = state;
    await settle();
    const [paused, closed] = bench.rtc.silences;
    expect(sender.tracks).toEqual([MICROPHONE, paused, MICROPHONE, closed]);
    expect([paused?.stopped, closed?.stopped]).toEqual([true, false]);
    expect(bench.kinds()).toEqual(["opening", "open", "silent", "silent"]);
    await vi.advanceTimersByTimeAsync(SILENCE_MS);
    expect([sender.track, closed?.stopped]).toEqual([null, true]);
  });

  it("counts from what was captured before", async () => {
    bench.hear(0.5);
    await bench.open();
    expect(bench.news().at(-1)).toMatchObject({ news: "open", from_s: 0.5 });
  });
});

describe("a clear", () => {
  const clear = async (heard_s: number) => {
    bench.order({ action: "clear", message: "clear", heard_s });
    const last = bench.news().at(-1);
    return [last?.news === "cleared" && last.done, bench.connection().channel.sent.length];
  };

  it("is sent where it has been quiet since the kernel heard silence", async () => {
    await bench.open();
    for (const [i, level] of [20, 30, 25, 40, 35].entries()) bench.hear((i + 1) * 0.04, level);
    expect(await clear(0.12)).toEqual([true, 1]);
  });

  it("is kept back where somebody has begun to speak since", async () => {
    await bench.open();
    for (const [i, level] of [20, 30, 25, 90].entries()) bench.hear((i + 1) * 0.04, level);
    expect(await clear(0.12)).toEqual([false, 0]);
  });

  it("is kept back where nobody knows", async () => {
    await bench.open();
    expect(await clear(0.12)).toEqual([false, 0]);
    for (let i = 1; i <= 200; i++) bench.hear(i * 0.04);
    expect(await clear(1)).toEqual([false, 0]);
  });

  it("does not mind digital silence", async () => {
    await bench.open();
    for (const [i, level] of [0, 0, 0, 2].entries()) bench.hear((i + 1) * 0.04, level);
    expect(await clear(0.12)).toEqual([true, 1]);
  });
});

describe("the end", () => {
  it.each([
    ["the kernel wants it", () => bench.order({ action: "close" })],
    ["the widget goes", () => bench.scope.dispose()],
    ["the kernel has gone", () => bench.link.abandon()],
    ["the connection fails", () => bench.connection().connection.become("failed")],
  ])("leaves nothing behind when %s", async (_why, end) => {
    const { sender, channel } = await bench.open();
    end();
    await settle();
    expect(bench.rtc.left).toBe(0);
    expect(sender.track).toBeNull();
    const before = bench.fake.sent.length;
    channel.say("late");
    bench.page.capture.value = "paused";
    await vi.advanceTimersByTimeAsync(BATCH_MS);
    expect(bench.fake.sent.length).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing behind while it is being opened", async () => {
    await bench.offer(null);
    bench.order({ action: "close" });
    await settle();
    expect(bench.rtc.left).toBe(0);
    expect(bench.kinds()).toEqual(["opening", "offer"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
