import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PeerOrder } from "../../src/wire/messages.ts";
import { LinkBench, MICROPHONE, type Order, settle, URL_ASKED } from "./link-bench.ts";

let bench: LinkBench;

beforeEach(() => {
  bench = new LinkBench();
});
afterEach(() => bench.dispose());

describe("opening", () => {
  it("offers opus one way, with every address and the channel in it, and tells each step", async () => {
    const { connection, channel, sender } = await bench.open();
    expect(bench.asked.map(({ url, init }) => [url, init?.method, init?.body])).toEqual([
      [URL_ASKED, "POST", "offer"],
    ]);
    expect(new Headers(bench.asked[0]?.init?.headers).get("authorization")).toBeNull();
    expect(connection.remote).toEqual({ type: "answer", sdp: "answer" });
    expect([connection.direction, connection.codecs, channel.label]).toEqual([
      "sendonly",
      ["audio/opus"],
      "oai-events",
    ]);
    expect(sender.track).toBe(MICROPHONE);
    expect(bench.news().map(({ news, seq, link_id }) => [news, seq, link_id])).toEqual([
      ["opening", 0, 1],
      ["open", 1, 1],
    ]);
  });

  it("lets the kernel ask where a key is needed", async () => {
    await bench.open(null);
    expect(bench.asked).toEqual([]);
    expect(bench.news().filter(({ news }) => news === "offer")).toMatchObject([{ sdp: "offer" }]);
    expect(bench.news()[1]).not.toHaveProperty("blocked");
    expect(bench.kinds()).toEqual(["opening", "offer", "open"]);
  });

  it("waits for the microphone, whose permission uncovers the addresses", async () => {
    bench.page.capture.value = "asking";
    bench.order({ action: "open", url: URL_ASKED });
    await settle();
    expect(bench.rtc.connections).toEqual([]);
    bench.page.capture.value = "open";
    await settle();
    expect(bench.rtc.connections.length).toBe(1);
  });

  it("fails with the microphone", async () => {
    bench.page.capture.value = "asking";
    bench.order({ action: "open", url: URL_ASKED });
    bench.page.capture.value = "closed";
    await settle();
    expect(bench.news()).toMatchObject([{ news: "failed", kind: "microphone" }]);
  });

  it("goes on without the addresses that are slow to be found", async () => {
    bench.order({ action: "open", url: URL_ASKED });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(bench.asked[0]?.init?.body).toBe("offer without addresses");
  });

  it("says that no way was found, and leaves nothing open", async () => {
    await bench.offer();
    bench.connection().connection.become("failed");
    await settle();
    expect(bench.news().at(-1)).toMatchObject({ news: "failed", kind: "ice", detail: "failed" });
    expect(bench.rtc.left).toBe(0);
  });

  it("does not wait for ever", async () => {
    bench.order({ action: "open", url: URL_ASKED });
    await settle();
    bench.connection().connection.gather();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(bench.news().at(-1)).toMatchObject({ news: "failed", kind: "ice", detail: "new" });
    expect(bench.rtc.left).toBe(0);
  });

  it("passes on what the server says when it refuses", async () => {
    bench.answerWith(async () => new Response('{"detail":"no"}', { status: 403 }));
    await bench.offer();
    expect(bench.news().at(-1)).toMatchObject({
      news: "failed",
      kind: "refused",
      status: 403,
      detail: '{"detail":"no"}',
    });
  });

  it("says that the browser cannot", async () => {
    vi.stubGlobal("RTCPeerConnection", undefined);
    bench.order({ action: "open", url: URL_ASKED });
    await settle();
    expect(bench.news().at(-1)).toMatchObject({ news: "failed", kind: "unsupported" });
  });

  it("is the business of the page that was asked", async () => {
    bench.order({ action: "open", url: URL_ASKED, client_id: "another page" } as Order<PeerOrder>);
    await settle();
    expect(bench.rtc.connections).toEqual([]);
  });
});

describe("a request that the browser blocks", () => {
  const blocked = async () => {
    await bench.offer();
    bench.order({ action: "answer", sdp: "answer" });
    await settle();
    bench.connection().channel.open();
    await settle();
    return bench.news()[1];
  };

  it("is told as CORS where the server can be reached, and the kernel asks instead", async () => {
    bench.answerWith(async (_url, init) => {
      if (init?.mode !== "no-cors") throw new TypeError("Failed to fetch");
      return new Response("");
    });
    expect(await blocked()).toMatchObject({
      news: "offer",
      sdp: "offer",
      blocked: "cors",
      origin: location.origin,
    });
    expect(bench.asked[1]?.url).toBe("http://localhost:8000/health");
    expect(bench.kinds()).toEqual(["opening", "offer", "open"]);
  });

  it("is told as unreachable where nothing answers this browser", async () => {
    bench.answerWith(async () => {
      throw new TypeError("Failed to fetch");
    });
    expect(await blocked()).toMatchObject({ blocked: "unreachable" });
  });

  it("is not even tried from a secure page to a plain server elsewhere", async () => {
    vi.stubGlobal("location", { protocol: "https:", origin: "https://hub.example" });
    await bench.offer("http://server.example:8000/v1/realtime?model=m");
    expect(bench.news()[1]).toMatchObject({ blocked: "mixed_content", origin: "https://hub.example" });
    expect(bench.asked).toEqual([]);
  });

  it("may go to a plain server on the same computer", async () => {
    vi.stubGlobal("location", { protocol: "https:", origin: "https://hub.example" });
    await bench.open("http://127.0.0.1:8000/v1/realtime?model=m");
    expect(bench.kinds()).toEqual(["opening", "open"]);
  });
});
