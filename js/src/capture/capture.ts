import { type Scope, Topic } from "../scope.ts";
import type { PageState } from "../store/page.ts";
import type { Channel } from "../wire/channel.ts";
import type { CaptureOrder } from "../wire/messages.ts";
import { type CaptureError, captureError } from "./errors.ts";
import { type Block, type Microphone, openMicrophone } from "./microphone.ts";

/** One opening of the microphone, from the kernel's order to its end. */
interface Take {
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
  #take: Take | null = null;
  readonly captured = new Topic<CapturedBlock>();
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
    return this.#take?.microphone?.track ?? null;
  }

  async order(order: CaptureOrder): Promise<void> {
    const mine = order.client_id === undefined || order.client_id === this.#channel.client_id;
    if (order.action === "start") {
      if (!mine) this.#close();
      else if (this.#take?.id === order.capture_id) await this.#resume(this.#take);
      else await this.#start(order.capture_id);
    } else if (this.#take && this.#take.id === order.capture_id) {
      if (order.action === "pause") await this.#pause(this.#take);
      else await this.#stop(this.#take);
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
    const take: Take = { id, scope: this.#scope.child(), microphone: null, paused: false, seq: 0 };
    this.#take = take;
    this.#page.capture.value = "asking";
    try {
      const events = {
        block: (block: Block) => this.#send(take, block),
        ended: () => this.#lost(take),
      };
      take.microphone = await openMicrophone(this.device, events, take.scope);
    } catch (error) {
      if (this.#take === take) this.#refused(take, captureError(error));
      return;
    }
    const { label, rate_hz } = take.microphone;
    this.#channel.send({ type: "capture", state: "started", capture_id: id, label, rate: rate_hz });
    this.#page.capture.value = "open";
    if (take.paused) await this.#pause(take);
    await this.listDevices();
  }

  async #pause(take: Take): Promise<void> {
    take.paused = true;
    if (!take.microphone) return; // still asking: it is paused as soon as it opens
    this.#page.capture.value = "paused";
    await take.microphone.pause();
    if (!take.paused) await take.microphone.resume(); // resumed while the audio thread was being emptied
  }

  async #resume(take: Take): Promise<void> {
    take.paused = false;
    if (!take.microphone) return;
    this.#page.capture.value = "open";
    await take.microphone.resume();
  }

  async #stop(take: Take): Promise<void> {
    await take.microphone?.flush();
    if (this.#take !== take) return;
    this.#close();
    this.#channel.send({ type: "capture", state: "ended", capture_id: take.id });
  }

  #refused(take: Take, error: CaptureError): void {
    const { kind, detail } = error;
    this.#close();
    this.#channel.send({ type: "capture", state: "failed", capture_id: take.id, error: kind, detail });
    this.#failed(error);
  }

  #lost(take: Take): void {
    if (this.#take !== take) return;
    this.#close();
    this.#channel.send({
      type: "capture",
      state: "ended",
      capture_id: take.id,
      error: "no-device",
      detail: "the microphone was disconnected",
    });
  }

  #send(take: Take, { first_frame, samples }: Block): void {
    const rate = take.microphone?.rate_hz;
    if (this.#take !== take || rate === undefined) return;
    this.captured.emit({ end_s: (first_frame + samples.length) / rate, samples });
    const message = { type: "audio", seq: take.seq++, first_frame, rate, capture_id: take.id } as const;
    // a connection that is closed, as that of a closed notebook, does not come back
    if (!this.#channel.trySend(message, [samples.buffer])) this.#close();
  }

  #close(): void {
    if (!this.#take) return;
    this.#take.scope.dispose();
    this.#take = null;
    this.#page.capture.value = "closed";
  }
}
