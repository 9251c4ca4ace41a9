import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import type { Heard } from "../../src/capture/capture.ts";
import { Emitter } from "../../src/emitter.ts";
import { BATCH_MS } from "../../src/rtc/batch.ts";
import { PeerLink } from "../../src/rtc/link.ts";
import { SILENCE_MS } from "../../src/rtc/peer.ts";
import { Scope } from "../../src/scope.ts";
import { PageStore } from "../../src/store/page.ts";
import { Channel } from "../../src/wire/channel.ts";
import type { PeerNews, PeerOrder } from "../../src/wire/messages.ts";
import { type FakeWebRtc, fakeWebRtc } from "./fake-peer.ts";

const URL_ASKED = "http://localhost:8000/v1/realtime?model=m";
const MICROPHONE = { label: "microphone" } as MediaStreamTrack;

let rtc: FakeWebRtc;
let fake: FakeModel;
let page: PageStore;
let scope: Scope;
let link: PeerLink;
let blocks: Emitter<{ heard: Heard }>;
let seq: number;
let asked: { url: string; init: RequestInit | undefined }[];

beforeEach(() => {
  vi.useFakeTimers();
  rtc = fakeWebRtc();
  fake = new FakeModel();
  page = new PageStore();
  page.capture = "open";
  scope = new Scope();
  seq = 0;
  asked = [];
  answerWith(async () => new Response("answer"));
  blocks = new Emitter();
  const capture = { track: MICROPHONE, blocks };
  link = new PeerLink(new Channel(fake.model, scope), page, capture, scope);
});

afterEach(() => {
  scope.dispose();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Order<T> = T extends unknown ? Omit<T, "type" | "link_id" | "seq"> : never;
const order = (content: Order<PeerOrder>, link_id = 1, at = seq++) =>
  link.order({ type: "peer", link_id, seq: at, ...content } as PeerOrder);
const news = () =>
  fake.sent.map(({ message }) => message).filter((message) => message.type === "peer") as (PeerNews & {
    seq: number;
    link_id: number;
  })[];
const kinds = () => news().map(({ news }) => news);
const settle = () => vi.advanceTimersByTimeAsync(0);
const connection = () => {
  const last = rtc.connections.at(-1);
  if (!last?.channel || !last.sender) throw new Error("no connection was opened");
  return { connection: last, channel: last.channel, sender: last.sender };
};

function answerWith(respond: (url: string, init?: RequestInit) => Promise<Response>): void {
  vi.stubGlobal("fetch", (url: URL | string, init?: RequestInit) => {
    asked.push({ url: String(url), init });
    return respond(String(url), init);
  });
}

/** Plays the other side up to the open channel. */
async function open(url: string | null = URL_ASKED): Promise<ReturnType<typeof connection>> {
  order({ action: "open", url });
  await settle();
  const parts = connection();
  parts.connection.gather();
  await settle();
  if (url === null) order({ action: "answer", sdp: "answer" });
  await settle();
  parts.channel.open();
  await settle();
  return parts;
}

const hear = (end_s: number, level = 10) =>
  blocks.emit("heard", { end_s, samples: Int16Array.of(level, -level) });

describe("opening", () => {
  it("offers opus one way, with every address and the channel in it, and tells each step", async () => {
    const { connection, channel, sender } = await open();
    expect(asked.map(({ url, init }) => [url, init?.method, init?.body])).toEqual([
      [URL_ASKED, "POST", "offer"],
    ]);
    expect(new Headers(asked[0]?.init?.headers).get("authorization")).toBeNull();
    expect(connection.remote).toEqual({ type: "answer", sdp: "answer" });
    expect([connection.direction, connection.codecs, channel.label]).toEqual([
      "sendonly",
      ["audio/opus"],
      "oai-events",
    ]);
    expect(sender.track).toBe(MICROPHONE);
    expect(news().map(({ news, seq, link_id }) => [news, seq, link_id])).toEqual([
      ["opening", 0, 1],
      ["open", 1, 1],
    ]);
  });

  it("lets the kernel ask where a key is needed", async () => {
    await open(null);
    expect(asked).toEqual([]);
    expect(news().filter(({ news }) => news === "offer")).toMatchObject([{ sdp: "offer" }]);
    expect(news()[1]).not.toHaveProperty("blocked");
    expect(kinds()).toEqual(["opening", "offer", "open"]);
  });

  it("waits for the microphone, whose permission uncovers the addresses", async () => {
    page.capture = "asking";
    order({ action: "open", url: URL_ASKED });
    await settle();
    expect(rtc.connections).toEqual([]);
    page.capture = "open";
    await settle();
    expect(rtc.connections.length).toBe(1);
  });

  it("fails with the microphone", async () => {
    page.capture = "asking";
    order({ action: "open", url: URL_ASKED });
    page.capture = "closed";
    await settle();
    expect(news()).toMatchObject([{ news: "failed", kind: "microphone" }]);
  });

  it("goes on without the addresses that are slow to be found", async () => {
    order({ action: "open", url: URL_ASKED });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked[0]?.init?.body).toBe("offer without addresses");
  });

  it("says that no way was found, and leaves nothing open", async () => {
    order({ action: "open", url: URL_ASKED });
    await settle();
    connection().connection.gather();
    await settle();
    connection().connection.become("failed");
    await settle();
    expect(news().at(-1)).toMatchObject({ news: "failed", kind: "ice", detail: "failed" });
    expect(rtc.left).toBe(0);
  });

  it("does not wait for ever", async () => {
    order({ action: "open", url: URL_ASKED });
    await settle();
    connection().connection.gather();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(news().at(-1)).toMatchObject({ news: "failed", kind: "ice", detail: "new" });
    expect(rtc.left).toBe(0);
  });

  it("passes on what the server says when it refuses", async () => {
    answerWith(async () => new Response('{"detail":"no"}', { status: 403 }));
    order({ action: "open", url: URL_ASKED });
    await settle();
    connection().connection.gather();
    await settle();
    expect(news().at(-1)).toMatchObject({
      news: "failed",
      kind: "refused",
      status: 403,
      detail: '{"detail":"no"}',
    });
  });

  it("says that the browser cannot", async () => {
    vi.stubGlobal("RTCPeerConnection", undefined);
    order({ action: "open", url: URL_ASKED });
    await settle();
    expect(news().at(-1)).toMatchObject({ news: "failed", kind: "unsupported" });
  });

  it("is the business of the page that was asked", async () => {
    order({ action: "open", url: URL_ASKED, client_id: "another page" } as Order<PeerOrder>);
    await settle();
    expect(rtc.connections).toEqual([]);
  });
});

describe("a request that the browser blocks", () => {
  const blocked = async () => {
    order({ action: "open", url: URL_ASKED });
    await settle();
    connection().connection.gather();
    await settle();
    order({ action: "answer", sdp: "answer" });
    await settle();
    connection().channel.open();
    await settle();
    return news()[1];
  };

  it("is told as CORS where the server can be reached, and the kernel asks instead", async () => {
    answerWith(async (_url, init) => {
      if (init?.mode !== "no-cors") throw new TypeError("Failed to fetch");
      return new Response("");
    });
    expect(await blocked()).toMatchObject({
      news: "offer",
      sdp: "offer",
      blocked: "cors",
      origin: location.origin,
    });
    expect(asked[1]?.url).toBe("http://localhost:8000/health");
    expect(kinds()).toEqual(["opening", "offer", "open"]);
  });

  it("is told as unreachable where nothing answers this browser", async () => {
    answerWith(async () => {
      throw new TypeError("Failed to fetch");
    });
    expect(await blocked()).toMatchObject({ blocked: "unreachable" });
  });

  it("is not even tried from a secure page to a plain server elsewhere", async () => {
    vi.stubGlobal("location", { protocol: "https:", origin: "https://hub.example" });
    order({ action: "open", url: "http://server.example:8000/v1/realtime?model=m" });
    await settle();
    connection().connection.gather();
    await settle();
    expect(news()[1]).toMatchObject({ blocked: "mixed_content", origin: "https://hub.example" });
    expect(asked).toEqual([]);
  });

  it("may go to a plain server on the same computer", async () => {
    vi.stubGlobal("location", { protocol: "https:", origin: "https://hub.example" });
    await open("http://127.0.0.1:8000/v1/realtime?model=m");
    expect(kinds()).toEqual(["opening", "open"]);
  });
});

describe("messages", () => {
  it("go to the kernel in order and in few pieces", async () => {
    const { channel } = await open();
    for (const text of ["a", "b", "c"]) channel.say(text);
    await vi.advanceTimersByTimeAsync(BATCH_MS);
    channel.say("d");
    await vi.advanceTimersByTimeAsync(BATCH_MS);
    const relayed = news().flatMap((one) => (one.news === "messages" ? [one.messages] : []));
    expect(relayed).toEqual([["a"], ["b", "c"], ["d"]]);
    expect(news().map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
  });

  it("go to the server in the order of their numbers", async () => {
    const { channel } = await open();
    order({ action: "send", messages: ["third"] }, 1, 2);
    order({ action: "send", messages: ["first", "second"] }, 1, 1);
    expect(channel.sent).toEqual(["first", "second", "third"]);
  });

  it("have arrived when an echo comes back", async () => {
    const { channel } = await open();
    for (const text of ["a", "b"]) channel.say(text);
    order({ action: "echo" });
    expect(kinds().slice(-3)).toEqual(["messages", "messages", "echo"]);
  });

  it("come before the news that the server has gone", async () => {
    const { channel } = await open();
    for (const text of ["a", "b"]) channel.say(text);
    channel.end();
    expect(kinds().slice(-3)).toEqual(["messages", "messages", "closed"]);
    expect(rtc.left).toBe(0);
  });

  it("of an older link are nobody's", async () => {
    await open();
    seq = 0;
    order({ action: "open", url: null }, 2);
    await settle();
    order({ action: "send", messages: ["old"] }, 1, 1);
    expect(rtc.connections[0]?.channel?.sent).toEqual([]);
    expect(rtc.connections.map(({ connectionState }) => connectionState)).toEqual(["closed", "new"]);
  });
});

describe("what the server hears", () => {
  it("begins with the microphone, and is silence for a moment when that pauses or ends", async () => {
    const { sender } = await open();
    for (const state of ["paused", "open", "closed"] as const) page.capture = state;
    await settle();
    const [paused, closed] = rtc.silences;
    expect(sender.tracks).toEqual([MICROPHONE, paused, MICROPHONE, closed]);
    expect([paused?.stopped, closed?.stopped]).toEqual([true, false]);
    expect(kinds()).toEqual(["opening", "open", "silent", "silent"]);
    await vi.advanceTimersByTimeAsync(SILENCE_MS);
    expect([sender.track, closed?.stopped]).toEqual([null, true]);
  });

  it("counts from what was captured before", async () => {
    hear(0.5);
    await open();
    expect(news().at(-1)).toMatchObject({ news: "open", from_s: 0.5 });
  });
});

describe("a clear", () => {
  const clear = async (heard_s: number) => {
    order({ action: "clear", message: "clear", heard_s });
    const last = news().at(-1);
    return [last?.news === "cleared" && last.done, connection().channel.sent.length];
  };

  it("is sent where it has been quiet since the kernel heard silence", async () => {
    await open();
    for (const [i, level] of [20, 30, 25, 40, 35].entries()) hear((i + 1) * 0.04, level);
    expect(await clear(0.12)).toEqual([true, 1]);
  });

  it("is kept back where somebody has begun to speak since", async () => {
    await open();
    for (const [i, level] of [20, 30, 25, 90].entries()) hear((i + 1) * 0.04, level);
    expect(await clear(0.12)).toEqual([false, 0]);
  });

  it("is kept back where nobody knows", async () => {
    await open();
    expect(await clear(0.12)).toEqual([false, 0]);
    for (let i = 1; i <= 200; i++) hear(i * 0.04);
    expect(await clear(1)).toEqual([false, 0]);
  });

  it("does not mind digital silence", async () => {
    await open();
    for (const [i, level] of [0, 0, 0, 2].entries()) hear((i + 1) * 0.04, level);
    expect(await clear(0.12)).toEqual([true, 1]);
  });
});

describe("the end", () => {
  it.each([
    ["the kernel wants it", () => order({ action: "close" })],
    ["the widget goes", () => scope.dispose()],
    ["the kernel has gone", () => link.abandon()],
    ["the connection fails", () => connection().connection.become("failed")],
  ])("leaves nothing behind when %s", async (_why, end) => {
    const { sender, channel } = await open();
    end();
    await settle();
    expect(rtc.left).toBe(0);
    expect(sender.track).toBeNull();
    const before = fake.sent.length;
    channel.say("late");
    page.capture = "paused";
    await vi.advanceTimersByTimeAsync(BATCH_MS);
    expect(fake.sent.length).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing behind while it is being opened", async () => {
    order({ action: "open", url: null });
    await settle();
    connection().connection.gather();
    await settle();
    order({ action: "close" });
    await settle();
    expect(rtc.left).toBe(0);
    expect(kinds()).toEqual(["opening", "offer"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
