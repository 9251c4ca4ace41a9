import type { Capture } from "../capture/capture.ts";
import type { Scope } from "../scope.ts";
import type { PageState } from "../store/page.ts";
import type { Channel } from "../wire/channel.ts";
import type { PeerNews, PeerOrder } from "../wire/messages.ts";
import { Loudness } from "./loudness.ts";
import { openPeer, type Peer, SILENCE_MS } from "./peer.ts";
import { BlockedError, PeerError, peerError } from "./peer-errors.ts";
import { Batch, InOrder } from "./queues.ts";
import { askServer } from "./signalling.ts";

/** One connection, from the kernel's order to its end. */
interface Line {
  readonly id: number;
  readonly scope: Scope;
  readonly orders: InOrder<PeerOrder>;
  readonly batch: Batch;
  peer: Peer | null;
  answer: ((sdp: string) => void) | null;
  seq: number;
}

/** The page's own connection with the server: opened, used and closed as the kernel orders.
 *
 *     no line --open--> waits for the microphone --> opening --> open --close, or the other side has gone--> no line
 *                                 '-- failed --------'-- failed --> no line
 *
 * The kernel speaks the protocol: what it sends is passed on to the server, and everything that the server sends is
 * passed on to the kernel as it is. The audio goes to the server from here, and to the kernel as well, by `Capture`.
 */
export class PeerLink {
  readonly #channel: Channel;
  readonly #page: PageState;
  readonly #capture: Pick<Capture, "track" | "captured">;
  readonly #scope: Scope;
  readonly #loudness = new Loudness();
  #line: Line | null = null;

  constructor(channel: Channel, page: PageState, capture: Pick<Capture, "track" | "captured">, scope: Scope) {
    this.#channel = channel;
    this.#page = page;
    this.#capture = capture;
    this.#scope = scope;
    // Paused or released, the microphone is silent for the server too; resumed, it goes on.
    scope.effect(() => this.#passOn());
    capture.captured.listen(scope, (block) => this.#loudness.add(block));
  }

  receiveOrder(order: PeerOrder): void {
    const mine = order.client_id === undefined || order.client_id === this.#channel.client_id;
    if (!mine) return;
    if (order.action === "open") this.#begin(order.link_id);
    if (this.#line?.id === order.link_id) this.#line.orders.add(order.seq, order);
  }

  /** Ends the connection without a word: nobody is there to hear it. */
  abandon(): void {
    this.#close();
  }

  get #track(): MediaStreamTrack | null {
    return this.#page.capture.value === "open" ? this.#capture.track : null;
  }

  #passOn(): void {
    const track = this.#track;
    if (this.#line?.peer?.sendTrack(track)) {
      this.#send(this.#line, { news: "silent", seconds: SILENCE_MS / 1000 });
    }
  }

  #begin(id: number): void {
    this.#close();
    const scope = this.#scope.child();
    const line: Line = {
      id,
      scope,
      orders: new InOrder((order) => this.#receive(line, order)),
      batch: new Batch((messages) => this.#send(line, { news: "messages", messages }), scope),
      peer: null,
      answer: null,
      seq: 0,
    };
    this.#line = line;
  }

  #receive(line: Line, order: PeerOrder): void {
    switch (order.action) {
      case "open":
        void this.#open(line, order.url);
        break;
      case "answer":
        line.answer?.(order.sdp);
        break;
      case "send":
        for (const message of order.messages) line.peer?.send(message);
        break;
      case "clear":
        this.#send(line, { news: "cleared", done: this.#clear(line, order), at_s: this.#loudness.now_s });
        break;
      case "echo":
        line.batch.flush();
        this.#send(line, { news: "echo" });
        break;
      case "close":
        this.#close();
        break;
    }
  }

  async #open(line: Line, url: string | null): Promise<void> {
    try {
      // Without the microphone's permission, browsers hide this computer's addresses from the server.
      await this.#microphoneOpen(line.scope);
      this.#send(line, { news: "opening" });
      const exchange = (offer: string) => this.#exchange(line, url, offer);
      const events = {
        message: (text: string) => line.batch.add(text),
        closed: (detail: string) => this.#end(line, { news: "closed", detail }),
      };
      line.peer = await openPeer(exchange, events, line.scope);
    } catch (error) {
      const { kind, detail, status } = peerError(error);
      this.#end(line, { news: "failed", kind, detail, status });
      return;
    }
    this.#passOn();
    this.#send(line, { news: "open", from_s: this.#loudness.now_s });
  }

  /** A clear throws away all audio that has reached the server, and none of what is captured now has: audio
   * needs longer than messages do. So no more than what has been captured can go, and that was quiet. */
  #clear({ peer }: Line, { message, heard_s }: Extract<PeerOrder, { action: "clear" }>): boolean {
    if (!peer || !this.#loudness.quietSince(heard_s)) return false;
    peer.send(message);
    return true;
  }

  #microphoneOpen(scope: Scope): Promise<void> {
    return new Promise((resolve, reject) => {
      const own = scope.child();
      const look = () => {
        const capture = this.#page.capture.value;
        if (capture === "asking") return;
        if (capture === "closed") reject(new PeerError("microphone", "not open"));
        else resolve();
        own.dispose();
      };
      own.own(() => reject(new PeerError("other", "stopped while waiting")));
      own.effect(look);
    });
  }

  /** The server's answer: asked for by this page where it may, else by the kernel. */
  async #exchange(line: Line, url: string | null, offer: string): Promise<string> {
    const { origin } = location;
    if (url === null) return await this.#answered(line, { news: "offer", sdp: offer, origin });
    try {
      return await askServer(url, offer, line.scope.signal);
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error;
      return await this.#answered(line, { news: "offer", sdp: offer, origin, blocked: error.reason });
    }
  }

  #answered(line: Line, offer: PeerNews): Promise<string> {
    return new Promise((resolve, reject) => {
      line.answer = resolve;
      line.scope.own(() => reject(new PeerError("other", "stopped while waiting")));
      this.#send(line, offer);
    });
  }

  #end(line: Line, news: PeerNews): void {
    if (this.#line !== line) return;
    line.batch.flush(); // what the server said before it went
    this.#send(line, news);
    this.#close();
  }

  #send(line: Line, news: PeerNews): void {
    if (line.scope.disposed) return;
    const { client_id } = this.#channel;
    this.#channel.send({ type: "peer", link_id: line.id, seq: line.seq++, client_id, ...news });
  }

  #close(): void {
    const line = this.#line;
    this.#line = null;
    line?.scope.dispose();
  }
}
