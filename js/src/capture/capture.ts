import { type Scope, Topic } from "../scope.ts";
import type { PageState } from "../store/page.ts";
import type { Channel } from "../wire/channel.ts";
import type { CaptureOrder } from "../wire/messages.ts";
import { type CaptureError, captureError } from "./capture-errors.ts";
import { type Block, type Microphone, openMicrophone } from "./microphone.ts";

/** One opening of the microphone, from the kernel's order to its end. */
interface Opening {
  readonly id: number;
  readonly scope: Scope;
  microphone: Microphone | null;
  paused: boolean;
  seq: number;
}

/** A block as it was captured, for whoever listens on this page. `end_s` is on the capture's clock. */
export interface CapturedBlock {
  end_s: number;
  samples: Int16Array;
}

/** Opens and closes the page's microphone as the kernel orders.
 *
 *     closed --start--> asking --granted--> open <--pause, start--> paused
 *        ^-----------------+-- refused, stop, device gone --+---------'
 *
 * An order for another `capture_id` than the running one is stale and ignored, except `start`, which replaces it.
 */
export class Capture {
  readonly #channel: Channel;
  readonly #page: PageState;
  readonly #scope: Scope;
  readonly #failed: (error: CaptureError) => void;
  #opening: Opening | null = null;
  readonly captured = new Topic<CapturedBlock>();
  /** When audio last went out, on the page's clock. */
  sent_ms = Number.NEGATIVE_INFINITY;
  /** Device to open; "" is the browser's default. */
  device = "";

  constructor(channel: Channel, page: PageState, failed: (error: CaptureError) => void, scope: Scope) {
    this.#channel = channel;
    this.#page = page;
    this.#failed = failed;
    this.#scope = scope;
    // missing on pages that are not secure, whatever the type says
    const mediaDevices = navigator.mediaDevices as MediaDevices | undefined;
    if (mediaDevices) {
      scope.listen(mediaDevices, "devicechange", () => void this.listDevices());
    }
  }

  /** The microphone as the browser has it, for whoever passes it on; null while none is open. */
  get track(): MediaStreamTrack | null {
    return this.#opening?.microphone?.track ?? null;
  }

  async receiveOrder(order: CaptureOrder): Promise<void> {
    const mine = order.client_id === undefined || order.client_id === this.#channel.client_id;
    if (order.action === "start") {
      if (!mine) this.#close();
      else if (this.#opening?.id === order.capture_id) await this.#resume(this.#opening);
      else await this.#start(order.capture_id);
    } else if (this.#opening && this.#opening.id === order.capture_id) {
      if (order.action === "pause") await this.#pause(this.#opening);
      else await this.#stop(this.#opening);
    }
  }

  /** Closes the microphone without a word: nobody is there to hear it. */
  abandon(): void {
    this.#close();
  }

  /** Microphones by name; browsers name them only once permission was given. */
  async listDevices(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.#page.devices.value = all
      .filter(
        (device) => device.kind === "audioinput" && device.deviceId !== "" && device.deviceId !== "default",
      )
      .map((device) => ({ id: device.deviceId, label: device.label }));
  }

  async #start(id: number): Promise<void> {
    this.#close();
    const opening: Opening = { id, scope: this.#scope.child(), microphone: null, paused: false, seq: 0 };
    this.#opening = opening;
    this.#page.capture.value = "asking";
    try {
      const events = {
        block: (block: Block) => this.#send(opening, block),
        ended: () => this.#lost(opening),
      };
      opening.microphone = await openMicrophone(this.device, events, opening.scope);
    } catch (error) {
      if (this.#opening === opening) this.#refused(opening, captureError(error));
      return;
    }
    const { label, rate_hz } = opening.microphone;
    this.#channel.send({ type: "capture", state: "started", capture_id: id, label, rate: rate_hz });
    this.#page.capture.value = "open";
    if (opening.paused) await this.#pause(opening);
    await this.listDevices();
  }

  async #pause(opening: Opening): Promise<void> {
    opening.paused = true;
    if (!opening.microphone) return; // still asking: it is paused as soon as it opens
    this.#page.capture.value = "paused";
    await opening.microphone.pause();
    if (!opening.paused) await opening.microphone.resume(); // resumed while the audio thread was being emptied
  }

  async #resume(opening: Opening): Promise<void> {
    opening.paused = false;
    if (!opening.microphone) return;
    this.#page.capture.value = "open";
    await opening.microphone.resume();
  }

  async #stop(opening: Opening): Promise<void> {
    await opening.microphone?.flush();
    if (this.#opening !== opening) return;
    this.#close();
    this.#channel.send({ type: "capture", state: "ended", capture_id: opening.id });
  }

  #refused(opening: Opening, error: CaptureError): void {
    const { kind, detail } = error;
    this.#close();
    this.#channel.send({ type: "capture", state: "failed", capture_id: opening.id, error: kind, detail });
    this.#failed(error);
  }

  #lost(opening: Opening): void {
    if (this.#opening !== opening) return;
    this.#close();
    this.#channel.send({
      type: "capture",
      state: "ended",
      capture_id: opening.id,
      error: "no-device",
      detail: "the microphone was disconnected",
    });
  }

  #send(opening: Opening, { first_frame, samples }: Block): void {
    const rate = opening.microphone?.rate_hz;
    if (this.#opening !== opening || rate === undefined) return;
    this.captured.emit({ end_s: (first_frame + samples.length) / rate, samples });
    const message = { type: "audio", seq: opening.seq++, first_frame, rate, capture_id: opening.id } as const;
    // a connection that is closed, as that of a closed notebook, does not come back
    if (this.#channel.trySend(message, [samples.buffer])) this.sent_ms = performance.now();
    else this.#close();
  }

  #close(): void {
    if (!this.#opening) return;
    this.#opening.scope.dispose();
    this.#opening = null;
    this.#page.capture.value = "closed";
  }
}
