import { vi } from "vitest";
import { FakeModel } from "../../dev/fake-model.ts";
import type { CapturedBlock } from "../../src/capture/capture.ts";
import { PeerLink } from "../../src/rtc/link.ts";
import { Scope, Topic } from "../../src/scope.ts";
import { PageState } from "../../src/store/page.ts";
import { Channel } from "../../src/wire/channel.ts";
import type { PeerNews, PeerOrder } from "../../src/wire/messages.ts";
import { type FakeWebRtc, fakeWebRtc } from "./fake-peer.ts";

export const URL_ASKED = "http://localhost:8000/v1/realtime?model=m";
export const MICROPHONE = { label: "microphone" } as MediaStreamTrack;

export type Order<T> = T extends unknown ? Omit<T, "type" | "link_id" | "seq"> : never;

/** Lets everything happen that does not wait for a clock. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

/** A page's link, between a kernel and a server that are played by the test. */
export class LinkBench {
  readonly rtc: FakeWebRtc;
  readonly fake: FakeModel;
  readonly page = new PageState();
  readonly scope = new Scope();
  readonly link: PeerLink;
  readonly asked: { url: string; init: RequestInit | undefined }[] = [];
  /** the number of the next order */
  seq = 0;
  readonly #blocks = new Topic<CapturedBlock>();

  constructor() {
    vi.useFakeTimers();
    this.rtc = fakeWebRtc();
    this.fake = new FakeModel();
    this.page.capture.value = "open";
    this.answerWith(async () => new Response("answer"));
    const capture = { track: MICROPHONE, captured: this.#blocks };
    this.link = new PeerLink(new Channel(this.fake.model, this.scope), this.page, capture, this.scope);
  }

  dispose(): void {
    this.scope.dispose();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  }

  /** What HTTP servers answer from now on; each request is noted. */
  answerWith(respond: (url: string, init?: RequestInit) => Promise<Response>): void {
    vi.stubGlobal("fetch", (url: URL | string, init?: RequestInit) => {
      this.asked.push({ url: String(url), init });
      return respond(String(url), init);
    });
  }

  /** Plays the kernel. */
  order(content: Order<PeerOrder>, link_id = 1, at = this.seq++): void {
    this.link.receiveOrder({ type: "peer", link_id, seq: at, ...content } as PeerOrder);
  }

  /** What the kernel was told. */
  news() {
    return this.fake.sent
      .map(({ message }) => message)
      .filter((message) => message.type === "peer") as (PeerNews & { seq: number; link_id: number })[];
  }

  kinds() {
    return this.news().map(({ news }) => news);
  }

  /** The connection that was opened last. */
  connection() {
    const last = this.rtc.connections.at(-1);
    if (!last?.channel || !last.sender) throw new Error("no connection was opened");
    return { connection: last, channel: last.channel, sender: last.sender };
  }

  /** Orders a connection, and finds the addresses for its offer. */
  async offer(url: string | null = URL_ASKED): Promise<void> {
    this.order({ action: "open", url });
    await settle();
    this.connection().connection.gather();
    await settle();
  }

  /** Plays the other side up to the open channel. */
  async open(url: string | null = URL_ASKED) {
    await this.offer(url);
    const parts = this.connection();
    if (url === null) this.order({ action: "answer", sdp: "answer" });
    await settle();
    parts.channel.open();
    await settle();
    return parts;
  }

  /** Plays the microphone. */
  hear(end_s: number, level = 10): void {
    this.#blocks.emit({ end_s, samples: Int16Array.of(level, -level) });
  }
}
