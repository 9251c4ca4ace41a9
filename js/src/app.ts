import { Capture } from "./capture/capture.ts";
import type { CaptureError } from "./capture/errors.ts";
import { type Strings, stringsFor } from "./i18n/index.ts";
import { Scope } from "./scope.ts";
import { PageStore, type Phase, phaseOf } from "./store/page.ts";
import { SessionStore } from "./store/session.ts";
import { Synced } from "./store/synced.ts";
import { Channel, isFromKernel, type Model } from "./wire/channel.ts";
import { decodeFrames } from "./wire/codec.ts";
import type { CommandName, Failure, SourceKind } from "./wire/messages.ts";
import { uploadFile } from "./wire/upload.ts";

/** Refused, these leave nothing to look at; the others are told in the status line. */
const BLOCKING: ReadonlySet<CommandName> = new Set(["start", "set_source"]);

/** Everything of one model: stores, channel, capture. Several views share it; it ends with the model. */
export class App {
  readonly scope: Scope;
  readonly synced: Synced;
  readonly page = new PageStore();
  readonly session = new SessionStore();
  readonly #channel: Channel;
  readonly #capture: Capture;
  readonly #waiting = new Set<symbol>();

  constructor(model: Model, signal?: AbortSignal) {
    this.scope = new Scope(signal);
    this.synced = new Synced(model, this.scope);
    this.#channel = new Channel(model, this.scope);
    this.#capture = new Capture(this.#channel, this.page, (error) => this.#captureFailed(error), this.scope);
    const receive = (content: unknown, buffers: DataView[]) => this.#receive(content, buffers);
    model.on("msg:custom", receive);
    this.scope.own(() => model.off("msg:custom", receive));
    this.#channel.send({ type: "hello", client_id: this.#channel.client_id });
  }

  get strings(): Strings {
    return stringsFor(this.synced.text("locale") || navigator.language);
  }

  get phase(): Phase {
    return phaseOf(this.synced.text("state"), this.page.capture, this.failure !== null);
  }

  /** What keeps it from recording: the page's own words on its microphone, else the kernel's. */
  get failure(): Failure | null {
    const { failure } = this.page;
    const own = failure !== null && failure.title === "";
    return own ? failure : (this.synced.get("error") ?? failure);
  }

  start(): void {
    void this.#command("start");
  }
  pause(): void {
    void this.#command("pause");
  }
  resume(): void {
    void this.#command("resume");
  }
  stop(): void {
    void this.#command("stop");
  }

  /** `device` is a browser's device id for the page's microphone; the kernel picks its own by default. */
  async setSource(kind: SourceKind, device = "", label = ""): Promise<void> {
    if (kind === "browser") this.#capture.device = device;
    await this.#command("set_source", device ? { kind, device, label } : { kind });
  }

  setDetector(changes: Record<string, unknown>): Promise<boolean> {
    return this.#command("set_detector", changes);
  }

  setModel(model: string): void {
    void this.#command("set_model", { model });
  }

  setLanguage(language: string): void {
    void this.#command("set_language", { language });
  }

  async useKernelMicrophone(): Promise<void> {
    if (await this.#command("set_source", { kind: "kernel" })) this.start();
  }

  async openFile(file: File): Promise<void> {
    const file_id = await uploadFile(this.#channel, file);
    if (await this.#command("set_source", { kind: "file", file_id, name: file.name })) this.start();
  }

  /** Names of microphones, refreshed when a list of them is opened. */
  listDevices(): void {
    void this.#capture.listDevices();
  }

  /** Resolves to whether the kernel did it; a refusal stands in the panel or the status line. */
  async #command(name: CommandName, args: Record<string, unknown> = {}): Promise<boolean> {
    const token = Symbol(name);
    this.#waiting.add(token);
    this.page.waiting_since_ms ??= performance.now();
    if (this.page.failure) this.page.failure = null;
    if (this.page.refusal) this.page.refusal = null;
    const { failure } = await this.#channel.command(name, args);
    this.#waiting.delete(token);
    if (this.#waiting.size === 0) this.page.waiting_since_ms = null;
    if (failure && BLOCKING.has(name))
      this.page.failure ??= failure; // the page may know better why
    else if (failure) this.page.refusal = failure;
    return failure === null;
  }

  #captureFailed({ kind, detail }: CaptureError): void {
    this.page.failure = { kind, title: "", text: "", detail };
  }

  #receive(content: unknown, buffers: DataView[]): void {
    if (!isFromKernel(content)) return;
    switch (content.type) {
      case "frames":
        this.session.addFrames(decodeFrames(content, buffers), this.synced.detector.name);
        break;
      case "events":
        this.session.addEvents(content.events, this.synced.whose);
        break;
      case "snapshot":
        this.session.restore(content, this.synced.whose);
        break;
      case "reset":
        this.session.reset();
        break;
      case "reply":
        this.#channel.settle(content, buffers);
        break;
      case "capture":
        void this.#capture.order(content);
        break;
    }
  }
}
